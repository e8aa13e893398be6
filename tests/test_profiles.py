"""Profiles: validated as a whole, settings named without their table."""

import pytest

from ttsi.profiles import configure, data_root
from ttsi.records import InputError


def test_settings_find_their_table():
    config = configure("tiny", tau=0.5, rank=4, limit=7)
    assert (config.loop.tau, config.loop.lora.rank, config.limit) == (0.5, 4, 7)


@pytest.mark.parametrize("profile", ["smoke", "tiny", "paper"])
def test_every_profile_is_valid(profile):
    assert configure(profile).profile == profile


def test_smoke_is_tiny_on_fewer_samples():
    smoke, tiny = configure("smoke").model_dump(), configure("tiny").model_dump()
    assert {key for key in tiny if smoke[key] != tiny[key]} == {"profile", "limit"}


def test_methods_fix_what_they_mean():
    assert not configure("tiny", method="base").loop.adapt
    assert configure("tiny", method="constrained").loop.constrained
    assert configure("tiny", method="tt-si").loop.adapt
    assert configure("tiny", method="tt-si", constrained=True).loop.constrained


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
