"""Small invented files in the format of the Berkeley Function-Calling Leaderboard: a record a line, answers beside."""

import json
from typing import Any

BFCL = "berkeley-function-call-leaderboard/bfcl_eval/data"
CATEGORIES = (
    "simple_python",
    "multiple",
    "parallel",
    "parallel_multiple",
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
)
TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "float"}


def questions(category: str) -> str:
    """Return where the questions of a category lie, below the benchmark's folder."""
    return f"{BFCL}/BFCL_v4_{category}.json"


def answers(category: str) -> str:
    """Return where their answers lie."""
    return f"{BFCL}/possible_answer/BFCL_v4_{category}.json"


def tool(name: str, required: str, **properties: Any) -> dict[str, Any]:
    """Return a tool as upstream writes it; `required` names parameters, with blanks between them."""
    parameters = {"type": "dict", "properties": properties, "required": required.split()}
    return {"name": name, "description": f"What {name} gives. ", "parameters": parameters}


def record(said: str, tools: list[dict[str, Any]], *calls: dict[str, Any], system: str = "") -> dict[str, Any]:
    """Return a question and its accepted calls, together."""
    turns = [{"role": "system", "content": system}] if system else []
    return {"question": [[*turns, {"role": "user", "content": said}]], "function": tools, "ground_truth": list(calls)}


def lines(values: list[Any]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def category(name: str, *records: dict[str, Any]) -> dict[str, str]:
    """Return both files of a category."""
    named = [{"id": f"{name}_{index}", **one} for index, one in enumerate(records)]
    asked = [{key: one[key] for key in ("id", "question", "function")} for one in named]
    known = [{key: one[key] for key in ("id", "ground_truth")} for one in named]
    return {questions(name): lines(asked), answers(name): lines(known)}


AREA = tool("calculate_triangle_area", "base height", base=WHOLE, height=WHOLE, unit={**TEXT, "enum": ["m", "cm"]})
TIDE = tool("tideOf", "bayName", bayName=TEXT, depthLimit={**NUMBER, "default": 2.5})
PLAY = tool("music.play", "artist", artist=TEXT, minutes=WHOLE)
DRINK = tool(
    "changeDrink",
    "drinkId wishes",
    drinkId=TEXT,
    wishes={"type": "dict", "properties": {"size": TEXT, "sugar": TEXT}, "required": ["size"]},
)
MEAN = tool("mean_of", "numbers", numbers={"type": "array", "items": NUMBER})


def bfcl_files() -> dict[str, str]:
    """Return all files; in each category one tool or more, in names of several styles."""
    area = {"base": [10], "height": [5, 5.0], "unit": ["m", ""]}
    return {
        **category(
            "simple_python",
            record("The area of a triangle of base 10 and height 5?", [AREA], {AREA["name"]: area}),
            record("A triangle, 4 wide and 7 high: how large?", [AREA], {AREA["name"]: {"base": [4], "height": [7]}}),
        ),
        **category("multiple", record("The tide at Fundy?", [AREA, TIDE], {"tideOf": {"bayName": ["Fundy", "fundy"]}})),
        **category(
            "parallel",
            record(
                "Play Bach for 20 minutes, then Satie for 15.",
                [PLAY],
                {"music.play": {"artist": ["Bach"], "minutes": [20]}},
                {"music.play": {"artist": ["Satie"], "minutes": [15]}},
            ),
        ),
        **category(
            "parallel_multiple",
            record(
                "The mean of 1.5 and 2.5, and the tide at Ungava.",
                [TIDE, MEAN],
                {"mean_of": {"numbers": [[1.5, 2.5]]}},
                {"tideOf": {"bayName": ["Ungava"], "depthLimit": ["", 2.5]}},
            ),
        ),
        **category(
            "live_simple",
            record(
                "Make drink d7 large.",
                [DRINK],
                {"changeDrink": {"drinkId": ["d7"], "wishes": [{"size": ["large", "big"], "sugar": ["", "none"]}]}},
                system="\nYou serve drinks.\n",
            ),
        ),
        **category("live_multiple", record("Play Ravel.", [MEAN, PLAY], {"music.play": {"artist": ["Ravel"]}})),
        **category(
            "live_parallel",
            record(
                "Mean of 3 and 4, of 5 and 6.", [MEAN], *({"mean_of": {"numbers": [two]}} for two in ([3, 4], [5, 6]))
            ),
        ),
        **category(
            "live_parallel_multiple",
            record(
                "Play Holst for 9 minutes; the tide at Minas?",
                [TIDE, PLAY],
                {"music.play": {"artist": ["Holst"], "minutes": [9]}},
                {"tideOf": {"bayName": ["Minas"]}},
            ),
        ),
    }
