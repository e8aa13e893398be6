"""The paper's numbers are complete, well-formed and agree with the paper's own arithmetic as far as it goes."""

import tomllib
from pathlib import Path

import pytest

from ttsi.data import data_root
from ttsi.records import InputError
from ttsi.runs.config import configure
from ttsi_book.analysis.paper import FILE, read_paper

PAPER = read_paper()
TEXT = (data_root() / FILE).read_text()


def test_a_number_is_named_by_its_group() -> None:
    gain = PAPER["average.tt_si_direct_gain"]
    assert (gain.value, gain.unit, gain.sure) == (5.48, "points", "sure")


def test_an_unknown_number_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no number 'average\.median'; expected one of average\.base_direct, "):
        PAPER["average.median"]
    with pytest.raises(InputError, match="no number 'base'"):
        PAPER["base"]


def test_every_number_of_the_file_is_read() -> None:
    written = tomllib.loads(TEXT)["numbers"]
    assert {group: set(members) for group, members in PAPER.numbers.items()} == {
        group: set(members) for group, members in written.items()
    }
    assert sum(map(len, written.values())) == TEXT.count("\nvalue = ")


def test_accuracies_are_percentages() -> None:
    shares = [number.value for group in PAPER.numbers.values() for number in group.values() if number.unit == "%"]
    assert shares
    assert all(1 < share < 100 for share in shares)


def test_the_reported_gain_is_the_difference_of_the_reported_accuracies() -> None:
    difference = PAPER["average.tt_si_direct"].value - PAPER["average.base_direct"].value
    assert difference == pytest.approx(PAPER["average.tt_si_direct_gain"].value)


def test_the_ratio_of_samples_is_the_reported_one() -> None:
    ratio = PAPER["sealtool.sft_samples"].value / PAPER["sealtool.uncertain_samples"].value
    assert round(ratio) == PAPER["sealtool.fewer_samples"].value


def test_what_is_unknown_names_a_setting_that_a_run_has() -> None:
    config = configure("paper").model_dump()
    for setting in (unknown.setting for unknown in PAPER.unknown if unknown.setting):
        value = config
        for part in setting.split("."):
            value = value[part]
        assert value is not None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('sure = "likely"', 'sure = "certain"', r"found 'certain' at numbers\.average\.base_direct\.sure; expected: "),
        ("value = 54.66", "value = nan", r"found nan at numbers\.average\.base_direct\.value"),
        ("value = 54.66\n", "", r"found nothing at numbers\.average\.base_direct\.value; expected: Field required"),
        ('unit = "%"', 'unit = "dB"', r"found 'dB' at numbers\.average\.base_direct\.unit"),
        ("value = 54.66", "value = 54.66\nmedian = 1", r"found 1 at numbers\.average\.base_direct\.median"),
        ("value = 54.66", "value = ", "cannot be read as TOML"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    path = tmp_path / "numbers.toml"
    path.write_text(TEXT.replace(before, after, 1))
    with pytest.raises(InputError, match=rf"numbers\.toml.*{said}"):
        read_paper(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml cannot be read"):
        read_paper(tmp_path / "nowhere.toml")
