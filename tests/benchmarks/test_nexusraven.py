"""NexusRaven: stubs and calls in Python, read and never run."""

import pytest

from ttsi.benchmarks import load, read_drafts
from ttsi.benchmarks.checking import check
from ttsi.benchmarks.stubs import function_tools, marked_tools
from ttsi.records import Call, InputError
from upstream_files import CVE_STUBS, MARKED, RAVEN, VT_STUBS, shared, write

CVE, VT = f"{RAVEN}/cve_cpe_queries.json", f"{RAVEN}/virustotal_queries.json"
STUBS = [f"{RAVEN}/cve_cpe_function_definitions.py", f"{RAVEN}/virustotal_function_definitions.py"]


def test_upstreams_files_hold_what_is_known_of_them():
    folder = shared(*(f"nexusraven/{path}" for path in [*STUBS, "raven/data/upload_standardized_api_list.py", CVE, VT]))
    counted = check("nexusraven", "test", folder)
    assert (counted.n, counted.parsed, counted.clean) == (318, 318, 318)


def test_upstreams_own_queries_are_read_with_invented_stubs(tmp_path):
    queries = [f"{RAVEN}/{name}_queries.json" for name in ("cve_cpe", "emailrep", "virustotal", "toolalpaca")]
    upstream = shared(*(f"nexusraven/{path}" for path in queries))
    changed = {path: (upstream / "nexusraven" / path).read_bytes() for path in queries}
    counted = check("nexusraven", "test", write(tmp_path, "nexusraven", **changed))
    assert (counted.n, counted.parsed) == (318, 318)


def test_the_four_sources_follow_each_other(tmp_path):
    samples = load("nexusraven", "test", data_dir=write(tmp_path, "nexusraven"))
    names = ("cve_cpe/0", "cve_cpe/1", "emailrep/0", "virustotal/0", "virustotal/1", "toolalpaca/0")
    assert [sample.request.id for sample in samples] == [f"nexusraven/test/{name}" for name in names]
    assert [sample.gold[0] for sample in samples] == [
        Call(name="searchThing", arguments={"nameOf": "x", "limit": None}),
        Call(name="searchOther", arguments={"startDate": "2020-01-01 00:00"}),
        Call(name="emailrep_post", arguments={"email": "a@b.c"}),
        Call(name="vt_get", arguments={"id": "7", "x_apikey": "my_key"}),
        Call(name="vt_put", arguments={"ip": "1.1.1.1", "data": {"type": "vote", "n": [1, True]}}),
        Call(name="getFacts", arguments={"topic": "sea", "tags": [], "limit": 3}),
    ]
    assert all(sample.flags == () for sample in samples)


def test_an_optional_argument_has_a_type_a_text_and_a_default():
    thing, other = function_tools(CVE_STUBS)
    assert (thing.name, thing.description) == ("searchThing", "Look for things.")
    assert thing.parameters == {
        "type": "object",
        "properties": {
            "nameOf": {"type": "string", "description": "The thing: its name.", "default": None},
            "exact": {"type": "boolean", "description": "Match it exactly.", "default": None},
            "limit": {"type": "integer", "description": "How many.", "default": None},
            "undocumented": {"default": None},
        },
        "required": [],
    }
    assert other.parameters["properties"] == {
        "startDate": {"type": "string", "description": "From when.", "default": None}
    }


def test_an_argument_without_a_default_is_required():
    get, put = function_tools(VT_STUBS)
    assert get.description == "Gets it. Relations:\n- comments: The comments."
    assert get.parameters["required"] == ["id", "x_apikey"]
    assert get.parameters["properties"]["x_apikey"] == {"type": "string", "description": "string, required, Your key"}
    assert get.parameters["properties"]["limit"] == {
        "type": "integer",
        "description": "int32, optional, At most",
        "default": None,
    }
    assert put.description == "Puts it."
    assert put.parameters["properties"]["data"] == {"type": "object", "description": "json, What"}


def test_stubs_between_marks_are_tools():
    facts, anything = marked_tools(MARKED)
    assert facts.description == "Facts on a topic."
    assert facts.parameters["required"] == ["topic", "tags", "limit"]
    assert facts.parameters["properties"]["tags"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "Array[string].",
    }
    assert (anything.name, anything.description, anything.parameters["properties"]) == ("getAny", "Any fact.", {})


def test_dict_literals_inside_the_uploader_are_tools(tmp_path):
    draft = read_drafts("nexusraven", "test", data_dir=write(tmp_path, "nexusraven"))[2]
    assert [(tool.name, tool.description) for tool in draft.tools] == [
        ("emailrep_post", "Ask about an address"),
        ("emailrep_report", "Report it"),
    ]
    assert draft.tools[0].parameters["required"] == ["email"]


def test_nothing_of_a_stub_is_run(tmp_path):
    trap = tmp_path / "ran"
    stubs = f"open({str(trap)!r}, 'w')\ndef searchThing(nameOf=None):\n    '''x'''\n    open({str(trap)!r}, 'w')\n"
    reference = f"r = lib.searchThing(nameOf=open({str(trap)!r}, 'w'))"
    changed = {STUBS[0]: stubs, CVE: [{"query": "x", "reference": reference}]}
    draft = read_drafts("nexusraven", "test", data_dir=write(tmp_path, "nexusraven", **changed))[0]
    assert draft.flags == ("gold_unparsable",)
    assert not trap.exists()


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "searchThing",
        "searchThing(",
        "1 + 1",
        "searchThing(nameOf=x)",
        "a = 1; searchThing()",
        "searchThing(**{})",
        "searchOther('a', 'b')",
        "searchOther('a', startDate='b')",
        "unknown('a')",
        "f()()",
        "[]",
        "searchThing(nameOf=b'x')",
    ],
)
def test_a_reference_that_is_no_call_of_literals_is_flagged(tmp_path, reference):
    folder = write(tmp_path, "nexusraven", **{CVE: [{"query": "x", "reference": reference}]})
    assert read_drafts("nexusraven", "test", data_dir=folder)[0].flags == ("gold_unparsable",)


TURN = {"instruction": "x", "golden_answer": '["getAny()"]', "docstring": MARKED}
ALPACA = f"{RAVEN}/toolalpaca_queries.json"


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (STUBS[0], "def f(:", "function_definitions.py: not Python"),
        (STUBS[0], "x = 1", "defines no function; expected the stubs of cve_cpe"),
        (STUBS[0], "def f(a=g()): pass", "function_definitions.py: "),
        (STUBS[1], "\0", "function_definitions.py: "),
        ("raven/data/upload_standardized_api_list.py", "x = 1", "expected the stubs of emailrep"),
        ("raven/data/upload_standardized_api_list.py", "emailrep_post = {'name': 'f'}", "has not the fields"),
        ("raven/data/upload_standardized_api_list.py", "emailrep_post = {'name': f()}", "api_list.py: "),
        (VT, [{"query": "x"}], "record 0 has no field 'reference'"),
        (VT, [{"query": None, "reference": ""}], "record 0, field query is null; expected a text"),
        (ALPACA, [{}], "record 0 has no field 'turns_1'"),
        (
            ALPACA,
            [{"turns_1": {**TURN, "docstring": ""}}],
            "field turns_1.docstring cannot be read; expected at least one",
        ),
        (
            ALPACA,
            [{"turns_1": {**TURN, "docstring": MARKED.replace("def", "if")}}],
            "expected stubs between <func_start>",
        ),
        (ALPACA, [{"turns_1": {**TURN, "golden_answer": "["}}], "golden_answer cannot be read; expected a JSON list"),
        (ALPACA, [{"turns_1": {**TURN, "golden_answer": "[]"}}], "expected at least one call"),
        (ALPACA, [{"turns_1": {**TURN, "golden_answer": "[1]"}}], r"golden_answer\[0\] is a number; expected a text"),
    ],
)
def test_a_malformed_file_is_named_with_its_field(tmp_path, path, content, message):
    with pytest.raises(InputError, match=message) as raised:
        load("nexusraven", "test", data_dir=write(tmp_path, "nexusraven", **{path: content}))
    assert path in str(raised.value)
