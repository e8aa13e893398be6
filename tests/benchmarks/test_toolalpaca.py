"""ToolAlpaca: golden answers that are repaired, left open or unreadable, and keys that nobody gets to see."""

import json
import logging

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ttsi.benchmarks import load, read_drafts
from ttsi.benchmarks.keys import NO_KEY, hide, is_key_name, keys_of
from ttsi.cli import main
from ttsi.records import Call, InputError
from upstream_files import SECRET, action, alpaca_record, write

REAL = "data/eval_real.json"


def drafts(tmp_path, *records):
    return read_drafts("toolalpaca", "real", data_dir=write(tmp_path, "toolalpaca", **{REAL: list(records)}))


def one(tmp_path, *answers, request="Weather in Oslo?"):
    return drafts(tmp_path, alpaca_record([request], [list(answers)]))[0]


def test_a_record_becomes_a_sample_for_each_request(tmp_path):
    folder = write(tmp_path, "toolalpaca")
    samples = load("toolalpaca", "real", data_dir=folder, tool_order="upstream")
    assert [sample.request.id for sample in samples] == [f"toolalpaca/real/{index}" for index in (0, 1, 2, 4)]
    first = samples[0]
    assert first.gold == (Call(name="getWeather", arguments={"api_key": NO_KEY, "city": "Oslo", "days": 2}),)
    assert [tool.name for tool in first.request.tools] == ["getWeather", "listCities"], "components is no tool"
    assert first.request.tools[0].description == "Tells the weather."
    assert first.request.tools[0].parameters == {
        "type": "object",
        "properties": {
            "api_key": {"type": "string", "description": "Required. string. The key."},
            "city": {"type": "string", "description": "Required. string. The city."},
            "days": {"type": "integer", "description": "integer. How many."},
        },
        "required": ["api_key", "city"],
    }


def test_parameters_are_read_although_upstream_left_their_quotes_as_they_were(tmp_path):
    text = (
        'Parameters: {"q": "Required. string. Such as "rain", or\nsnow. ", "ids": "Array[integer]. Which.", '
        '"unit": " List of "m" and "f".", #Other}\nOutput: text\n - Format: {}'
    )
    record = alpaca_record(["x"], [[action("f", {"q": "x"})]], Function_Description={"f": text})
    (tool,) = drafts(tmp_path, record)[0].tools
    assert (tool.description, tool.parameters["required"]) == ("", ["q"])
    assert tool.parameters["properties"] == {
        "q": {"type": "string", "description": 'Required. string. Such as "rain", or\nsnow. '},
        "ids": {"type": "array", "items": {"type": "integer"}, "description": "Array[integer]. Which."},
        "unit": {"description": ' List of "m" and "f".'},
    }


def test_flags_say_what_is_unusual(tmp_path):
    flags = [draft.flags for draft in read_drafts("toolalpaca", "real", data_dir=write(tmp_path, "toolalpaca"))]
    assert flags == [
        ("needs_absent_key",),
        ("gold_repaired", "placeholder"),
        ("gold_repaired", "needs_absent_key", "gold_tool_not_offered"),
        ("gold_unparsable",),
        (),
    ]


def test_open_values_are_quoted_and_doubled_names_merged(tmp_path):
    open_value = one(tmp_path, action("getWeather", '{"city": ${the city}, "days": [${a day}, 2]}'))
    assert open_value.gold == (Call(name="getWeather", arguments={"city": "${the city}", "days": ["${a day}", 2]}),)
    doubled = one(tmp_path, action("getWeather", '{"city": "city": ["a", "b"]}'))
    assert doubled.gold == (Call(name="getWeather", arguments={"city": ["a", "b"]}),)
    assert doubled.flags == ("gold_repaired",)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"city": ${city, "days": 2}', '{"city": NaN}', "{'city': 'Oslo'}"]
)
def test_an_answer_that_is_no_object_is_flagged(tmp_path, text):
    assert one(tmp_path, action("getWeather", text)).flags == ("gold_unparsable",)


def test_a_request_without_an_answer_is_flagged(tmp_path):
    assert one(tmp_path).flags == ("gold_unparsable",)


def test_a_key_that_the_request_gives_is_hidden_there_too_and_is_not_absent(tmp_path):
    call = action("getWeather", {"api_key": SECRET, "city": "Oslo"})
    given_key = one(tmp_path, call, request=f"Oslo? My key is {SECRET}.")
    assert given_key.messages[0].content == f"Oslo? My key is {NO_KEY}."
    assert given_key.flags == ()
    assert one(tmp_path, call).flags == ("needs_absent_key",)


def test_a_short_key_is_hidden_in_its_own_sample_alone(tmp_path):
    answer = [action("getWeather", {"api_key": "demo", "city": "Oslo"})]
    found = drafts(tmp_path, alpaca_record(["Use demo.", "A demo?"], [answer, [action("listCities", {})]]))
    assert [draft.messages[0].content for draft in found] == [f"Use {NO_KEY}.", "A demo?"]
    assert found[0].flags == ()


def test_an_open_key_is_no_key(tmp_path):
    draft = one(tmp_path, action("getWeather", {"api_key": "${key from signUp}", "city": "Oslo"}))
    assert draft.flags == ("placeholder",)
    assert draft.gold == (Call(name="getWeather", arguments={"api_key": "${key from signUp}", "city": "Oslo"}),)


def test_a_key_is_hidden_wherever_it_stands(tmp_path, caplog):
    leaking = alpaca_record(
        [f"Is {SECRET} valid?", "And now?"],
        [
            [
                action(
                    "getWeather", {"city": f"https://x.y/?q=1&access_key={SECRET}", "nested": {"app_id": [SECRET, 7]}}
                )
            ],
            [action("getWeather", {"city": SECRET})],
        ],
    )
    leaking["Function_Description"]["listCities"] = f"Lists.\nParameters: {json.dumps({'x': f'string. As {SECRET}.'})}"
    folder = write(tmp_path, "toolalpaca", **{REAL: [leaking]})
    with caplog.at_level(logging.DEBUG):
        samples = load("toolalpaca", "real", data_dir=folder)
    result = CliRunner().invoke(main, ["benchmarks", "check", "toolalpaca", "--data-dir", str(folder)])
    assert len(samples) == 2
    assert SECRET not in caplog.text + repr(samples) + result.output
    assert repr(samples).count(NO_KEY) >= 5


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "apikey",
        "x-apikey",
        "APIKey",
        "access_key",
        "appid",
        "app_id",
        "appId",
        "token",
        "accessToken",
        "key",
        "client_secret",
        "Authorization",
    ],
)
def test_names_of_keys_are_known(name):
    assert is_key_name(name)


@pytest.mark.parametrize("name", ["keywords", "keyword", "monkey", "city", "", "tokens_left", "primary", "app", "id"])
def test_other_names_are_not(name):
    assert not is_key_name(name)


@given(key=st.text(min_size=1).filter(lambda text: text[:2] != "${"), other=st.text())
def test_no_key_is_left_in_an_argument_named_so(key, other):
    arguments = {"api_key": key, "list": {"token": [key, {"x": key}]}, "city": other}
    hidden = hide(arguments, set())
    assert hidden == {"api_key": NO_KEY, "list": {"token": [NO_KEY, {"x": NO_KEY}]}, "city": other}
    assert set(keys_of(arguments)) == {key}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Golden_Answers": []}, "record 0 has 1 Instructions and 0 Golden_Answers"),
        (
            {"Golden_Answers": [[{"Action": "x", "Action_Input": {"api_key": SECRET}}]]},
            r"Golden_Answers\[0\]\[0\]\.Action_Input is an object; expected a text",
        ),
        ({"Golden_Answers": [[{"Action_Input": "{}"}]]}, r"Golden_Answers\[0\]\[0\] has no field 'Action'"),
        ({"Function_Description": {"components": ""}}, "Function_Description has no function"),
        ({"Function_Description": {"f": "text"}}, "field Function_Description.f cannot be read"),
        ({"Function_Description": {"f": "text\nParameters: {"}}, "expected a named function's text, then Parameters"),
        ({"Function_Description": {"f": 'text\nParameters: {"x": 3}'}}, r"Function_Description\.f\.x is a number"),
        ({"Instructions": SECRET}, "record 0, field Instructions is a text; expected a list"),
    ],
)
def test_a_malformed_record_is_named_with_its_field_and_quotes_nothing(tmp_path, changed, message):
    with pytest.raises(InputError, match=message) as raised:
        drafts(tmp_path, {**alpaca_record(), **changed})
    assert SECRET not in str(raised.value)
