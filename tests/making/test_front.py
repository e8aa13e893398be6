"""The front page: values of the chapters in it, the loop as a figure, and what was changed of the paper's settings."""

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ttsi.data import data_root
from ttsi.evaluation import comparison
from ttsi.runs.config import configure
from ttsi.runs.results import flat
from ttsi.studies.real import PAPER_SETTING
from ttsi_book.analysis.changes import TUNED, as_markdown, changed_settings
from ttsi_book.analysis.real_results import GATED, OTHERS, PRIMARY, compared, read_results
from ttsi_book.making.chapters import Chapter
from ttsi_book.making.front import fill_front_page, glued
from ttsi_book.making.manifest import Manifest
from ttsi_book.plots.loop import Story, compact, loop_figure

CIRCUMSTANCES = set(
    "profile model benchmark split limit max_new_tokens device dtype threads loop.sft_examples "
    "loop.sft_learning_rate".split()
)
"""What differs because the model, the machine or the benchmark is another one, or is not about TT-SI."""
CALL = '<tool_call>\n{"name": "book_table", "arguments": {"guests": 4}}\n</tool_call>'


def glue(name, **data):
    mime = {f"application/papermill.record/text/{kind}": value for kind, value in data.items()}
    return new_output("display_data", mime, metadata={"scrapbook": {"name": name}})


@pytest.fixture
def chapters(tmp_path):
    source, staged = tmp_path / "01_first.py", tmp_path / "01_first.ipynb"
    source.write_text("# %% [markdown]\n# " + "word " * 500 + "\n\n# %%\n1 + 1\n")
    outputs = [glue("gain", plain="'+6.6 points'"), glue("loop", html="<ol></ol>"), new_output("stream", text="x")]
    nbformat.write(new_notebook(cells=[new_code_cell("x", outputs=outputs)]), staged)
    return {Chapter(source): staged}


def test_a_page_gets_what_chapters_glued_and_a_dash_for_the_rest(tmp_path, chapters):
    page = tmp_path / "intro.md"
    page.write_text(
        "---\nmyst:\n  html_meta: {description: d}\n---\n# T\n\n{{ gain }} {{loop}} {{ none }} {{ minutes_01 }}\n"
    )
    fill_front_page(page, chapters, Manifest())
    _, front, body = page.read_text().split("---\n", 2)
    myst = yaml.safe_load(front)["myst"]
    assert myst["html_meta"] == {"description": "d"}
    assert myst["substitutions"] == {
        "gain": "+6.6 points",
        "loop": "```{raw} html\n<ol></ol>\n```",
        "none": "–",
        "minutes_01": "3",
    }
    assert body.startswith("# T")


def test_an_interval_of_the_page_stays_on_one_line(tmp_path):
    page, staged = tmp_path / "intro.md", tmp_path / "01_first.ipynb"
    page.write_text("# T\n\n{{ gain }} {{ share }}\n")
    outputs = [glue("gain", plain="'+6.6 (+4.0 to +9.4) points'"), glue("share", plain="'73.4% (69.2–77.6)'")]
    nbformat.write(new_notebook(cells=[new_code_cell("x", outputs=outputs)]), staged)
    (tmp_path / "01_first.py").write_text("# %%\n1 + 1\n")
    fill_front_page(page, {Chapter(tmp_path / "01_first.py"): staged}, Manifest())
    values = yaml.safe_load(page.read_text().split("---\n")[1])["myst"]["substitutions"]
    assert values["gain"] == "+6.6 (+4.0\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}+9.4) points"
    assert values["share"] == "73.4% (69.2\N{WORD JOINER}–\N{WORD JOINER}77.6)"


def test_a_page_without_values_stays_as_it_is(tmp_path, chapters):
    page = tmp_path / "intro.md"
    page.write_text("# T\n")
    fill_front_page(page, chapters, Manifest())
    assert page.read_text() == "# T\n"


def test_markdown_is_glued_as_it_is_and_other_outputs_are_passed_over():
    cell = new_code_cell("x", outputs=[glue("table", markdown="| a |"), new_output("stream", text="x")])
    assert dict(glued(new_notebook(cells=[cell]))) == {"table": "| a |"}


def story(**changes):
    told = {
        "before": "no <call>",
        "after": CALL,
        "right_before": False,
        "right_after": True,
        "margin": 0.25,
        "tau": 0.95,
    }
    practice = [f"{CALL}\nA table for four & more."]
    return Story("Book <it>", tools=3, practice=practice, losses=[0.7, 0.1], **(told | changes))


def test_the_loop_shows_one_request_and_escapes_it():
    figure = loop_figure(story())
    assert figure.count("<li>") == 6
    for text in ("Book &lt;it&gt;", "A table for four &amp; more.", "Margin 0.25, below tau = 0.95", "0.70 to 0.10"):
        assert text in figure
    assert "<it>" not in figure
    assert figure.index('class="wrong"') < figure.index('class="right"')
    assert "not below tau" in loop_figure(story(margin=0.99))


def test_calls_read_as_calls_of_functions_and_other_outputs_as_they_are():
    assert compact(CALL) == "book_table(guests=4)"
    assert compact("Sorry.") == "Sorry."
    assert compact("") == ""


def test_every_setting_that_differs_from_the_papers_has_a_reason():
    paper, *ours = (flat(configure(name).model_dump()) for name in ("paper", "tiny", "real"))
    differing = {name for name in paper if any(one[name] != paper[name] for one in ours)}
    assert differing - set(TUNED) - CIRCUMSTANCES == set()
    table = changed_settings()
    assert table.loc["loop.lora.learning_rate", ["paper", "tiny", "real"]].tolist() == ["0.0001", "0.005", "0.0003"]
    assert "](/notebooks/08_how_much_training.ipynb)" in as_markdown(table)


def embedded():
    rows = comparison.read_methods(data_root() / "results", tau=configure("tiny").loop.tau)
    rows[comparison.PAPER_GATE] = comparison.behind_paper_gate(data_root() / "results")
    right = comparison.right_answers(rows)
    unseen = right.loc[right.index.get_level_values("split").str.endswith("/unseen")]
    pairs = [(before, after) for before, after in comparison.PRIMARY if after[1] == "direct"]
    return comparison.differences(unseen, pairs).assign(family=[after for _, (after, _) in pairs]).set_index("family")


def real(pairs=PRIMARY):
    taus = {"tt-si-paper": PAPER_SETTING["tau"], **dict.fromkeys(GATED, configure("real").loop.tau)}
    return compared(read_results(data_root() / "real", taus=taus), pairs).query("set == 'SealTool'").set_index("after")


@pytest.mark.parametrize(("compare", "paper"), [(embedded, comparison.PAPER_GATE), (real, "tt-si-paper")])
def test_what_the_front_page_says_was_found_holds(compare, paper):
    found = compare()
    assert found.loc[paper, "low"] <= 0 <= found.loc[paper, "high"]
    assert found.loc["tt-si", "low"] > 0
    assert found.loc["constrained", "low"] > found.loc["tt-si", "high"]
    assert found.loc["constrained", "p_holm"] < 0.05
    assert found.loc["tt-si-constrained", "estimate"] <= 0


def test_what_the_front_page_says_of_the_vote_holds():
    vote, tuned = real(OTHERS).loc["majority-vote"], real().loc["tt-si"]
    assert vote["low"] > 0
    assert tuned["low"] < vote["estimate"] < tuned["high"]
