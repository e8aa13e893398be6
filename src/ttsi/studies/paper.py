"""The study of the paper's tables, on its models and benchmarks; without a teacher's server TT-D is left out."""

from ttsi.benchmarks import BENCHMARKS
from ttsi.studies.families import FAMILIES, OF_SEALTOOL, PAPER_FAMILIES, SEEDS
from ttsi.studies.study import Samples, Study

SAMPLES = [
    Samples(name, split, families=OF_SEALTOOL if name == "sealtool" else {})
    for name, benchmark in BENCHMARKS.items()
    if benchmark.of_paper
    for split in benchmark.evaluated
]
PAPER = Study("paper", PAPER_FAMILIES, SAMPLES, SEEDS, taught={"tt-d": FAMILIES["tt-d"]})
