"""Profiles: validated as a whole, settings named without their table."""

import pytest

from ttsi.data import data_root
from ttsi.records import InputError
from ttsi.runs.config import changed, configure


def test_settings_find_their_table():
    config = configure("tiny", tau=0.5, rank=4, limit=7)
    assert (config.loop.tau, config.loop.lora.rank, config.limit) == (0.5, 4, 7)


@pytest.mark.parametrize("profile", ["smoke", "tiny", "paper"])
def test_every_profile_is_valid(profile):
    assert configure(profile).profile == profile


def test_smoke_is_tiny_on_fewer_samples():
    smoke, tiny = configure("smoke").model_dump(), configure("tiny").model_dump()
    assert {key for key in tiny if smoke[key] != tiny[key]} == {"profile", "limit", "threads"}


def test_a_profile_that_extends_another_changes_what_it_names_alone(tmp_path, monkeypatch):
    (tmp_path / "profiles").mkdir()
    monkeypatch.setenv("TTSI_DATA", str(tmp_path))
    profiles = {
        "first": 'model = "m"\n[loop]\ntau = 0.5\nk = 3\n[loop.lora]\nrank = 4\nalpha = 4',
        "second": 'extends = "first"\nmodel = "n"\nlimit = 2\n[loop]\ntau = 0.7\n[loop.lora]\nrank = 2',
        "third": 'extends = "second"\n[loop]\ntau = 0.9',
        "circle": 'extends = "circle"',
        "flat": 'model = "m"\nloop = 3',
        "empty": "limit = 3",
        "fourth": 'extends = "none"',
    }
    for name, text in profiles.items():
        (tmp_path / "profiles" / f"{name}.toml").write_text(text)
    config = configure("second")
    assert (config.profile, config.model, config.limit) == ("second", "n", 2)
    assert (config.loop.tau, config.loop.k, config.loop.lora.rank, config.loop.lora.alpha) == (0.7, 3, 2, 4)
    assert (configure("third").model, configure("third").loop.tau, configure("third").loop.k) == ("n", 0.9, 3)
    for name, said in {
        "fourth": "unknown profile 'none'; expected one of ",
        "circle": "profile 'circle' extends itself: circle extends circle",
        "flat": "loop is 3; expected a table",
        "empty": "model is missing",
    }.items():
        with pytest.raises(InputError, match=said):
            configure(name)


def test_a_method_that_a_profile_names_is_the_method(tmp_path, monkeypatch):
    (tmp_path / "profiles").mkdir()
    monkeypatch.setenv("TTSI_DATA", str(tmp_path))
    (tmp_path / "profiles" / "base.toml").write_text('model = "m"\nmethod = "base"')
    assert configure("base").loop.author == "nobody"
    assert configure("base", method="tt-d").loop.author == "teacher"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "icl", "adapt": "uncertain"}, "adapt is 'uncertain'; expected 'all', which method 'icl' fixes"),
        ({"author": "teacher"}, "author is 'teacher'; expected 'self', which method 'tt-si' fixes"),
        ({"method": "icl", "lessons_subset": "test"}, "lessons_subset is 'test'; expected: "),
        ({"method": "tt-d", "teacher_url": "http://host/v1"}, "teacher_url is given, and teacher_model is not"),
        ({"method": "sft", "subset": "train"}, "lessons_subset is 'train'; expected another than what is answered"),
    ],
)
def test_what_contradicts_the_method_or_shows_it_the_answers_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        configure("tiny", **changes)


def test_a_configuration_keeps_its_method():
    with pytest.raises(InputError, match="author is 'self'; expected 'nobody', which method 'base' fixes"):
        changed(configure("tiny"), method="base")


@pytest.mark.parametrize(
    ("method", "author", "in_context", "trains_once"),
    [
        ("base", "nobody", False, False),
        ("constrained", "nobody", False, False),
        ("tt-si", "self", False, False),
        ("tt-d", "teacher", False, False),
        ("tt-icl", "self", True, False),
        ("icl", "training set", True, False),
        ("sft", "training set", False, True),
    ],
)
def test_methods_fix_who_writes_and_what_for(method, author, in_context, trains_once):
    loop = configure("tiny", method=method).loop
    assert (loop.author, loop.in_context, loop.trains_once) == (author, in_context, trains_once)
    assert loop.constrained is (method == "constrained")
    assert configure("tiny", method=method, constrained=True).loop.constrained


def test_unknown_settings_are_named():
    with pytest.raises(InputError, match="speed is 3"):
        configure("tiny", speed=3)


def test_the_data_folder_can_be_given(tmp_path, monkeypatch):
    (tmp_path / "profiles").mkdir()
    monkeypatch.setenv("TTSI_DATA", str(tmp_path))
    assert data_root() == tmp_path
    with pytest.raises(InputError, match="unknown profile"):
        configure("tiny")
    (tmp_path / "profiles" / "bad.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="cannot be read as TOML"):
        configure("bad")
    monkeypatch.setenv("TTSI_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="is not a data folder"):
        data_root()
