"""TT-D: a teacher writes the practice examples.

| teacher | what it is |
|---|---|
| `EndpointTeacher` | a model behind any OpenAI-compatible endpoint, for example one `served` on loopback |
| `OracleTeacher` | toolworld's own grammar, always right: an upper bound, no model |
| `GoldTeacher` | gold calls of other samples of a paper's benchmark with the same tools: a bound, no model |
"""

from ttsi.teacher.endpoint import EndpointTeacher, TeacherError
from ttsi.teacher.gold import GoldTeacher
from ttsi.teacher.oracle import OracleTeacher
from ttsi.teacher.serving import served, served_name

__all__ = ["EndpointTeacher", "GoldTeacher", "OracleTeacher", "TeacherError", "served", "served_name"]
