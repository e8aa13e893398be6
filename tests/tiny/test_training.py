"""Training the tiny agent: packing, the schedule, and a resumed run that equals an uninterrupted one."""

import itertools

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from ttsi.agent import Agent
from ttsi.records import InputError
from ttsi.tiny import training as module
from ttsi.tiny.checkpoint import Checkpoint
from ttsi.tiny.packing import IGNORED, pack, within_documents
from ttsi.tiny.training import TrainingConfig, learning_rate, train

SMALL = TrainingConfig(
    hidden_size=32, layers=1, heads=2, feed_forward=64, vocabulary=400, tokenizer_lessons=20, rows=2, row_tokens=320,
    lessons_per_step=4,
    schedule=((0, 0.0), (2, 1.0), (4, 1.0), (6, 0.0)), checkpoint_steps=2, compile=False, bfloat16=False,
)  # fmt: skip


def test_documents_are_packed_whole_and_do_not_see_each_other():
    documents = [([1] * 5, [0.5] * 5), ([2] * 3, [1.0] * 3), ([3] * 4, [1.0] * 4), ([4] * 9, [1.0] * 9)]
    batch = pack(iter(documents), rows=2, row_tokens=8, pad=0)
    assert batch["ids"].tolist() == [[1, 1, 1, 1, 1, 2, 2, 2], [3, 3, 3, 3, 0, 0, 0, 0]]
    assert batch["positions"].tolist()[0] == [0, 1, 2, 3, 4, 0, 1, 2]
    assert batch["weights"].tolist()[0] == [0, 0.5, 0.5, 0.5, 0.5, 0, 1, 1]
    mask = within_documents(batch["documents"])[0, 0]
    assert mask[5, 4] < -1e30
    assert mask[6, 5] == 0
    assert (batch["documents"][1, 4:] == IGNORED).all()


def test_a_packed_document_has_the_logits_it_has_alone():
    tokenizer = module.build_tokenizer(SMALL)
    model = module.build_model(SMALL, tokenizer).eval()
    documents = list(module._documents(SMALL, tokenizer, 0))
    batch = pack(iter(documents), rows=2, row_tokens=320, pad=0)
    mask = within_documents(batch["documents"])
    logits = model(input_ids=batch["ids"], position_ids=batch["positions"], attention_mask=mask).logits
    longest = max((tokens for tokens, _ in documents), key=len)
    alone = model(input_ids=torch.tensor([longest])).logits[0]
    torch.testing.assert_close(logits[0, : len(longest)], alone, atol=1e-4, rtol=1e-4)


def test_the_rate_warms_up_stays_and_falls_to_zero():
    config = TrainingConfig(schedule=((0, 0.0), (10, 1.0), (80, 1.0), (100, 0.0)), learning_rate=2.0)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[9:80] == [2.0] * 71
    assert rates[89] == pytest.approx(1.0)
    assert rates[99] == 0.0
    assert all(a >= b for a, b in itertools.pairwise(rates[80:]))


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    whole = train(SMALL, tmp_path / "whole", progress=False)

    class Stop(Exception):  # noqa: N818
        pass

    real = module.pack
    seen = itertools.count()

    def pack_until_cut(*arguments, **options):
        if next(seen) == 5:
            raise Stop
        return real(*arguments, **options)

    monkeypatch.setattr(module, "pack", pack_until_cut)
    with pytest.raises(Stop):
        train(SMALL, tmp_path / "cut", progress=False)
    monkeypatch.undo()
    assert (tmp_path / "cut" / "checkpoint.pt").exists()
    resumed = train(SMALL, tmp_path / "cut", progress=False)
    assert [row["loss"] for row in resumed] == [row["loss"] for row in whole]
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not (tmp_path / "cut" / "checkpoint.pt").exists()
    agent = Agent.load(tmp_path / "cut")
    assert agent.model.config.hidden_size == 32
    assert len(pd.read_parquet(tmp_path / "cut" / "training.parquet")) == 6


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path):
    tokenizer = module.build_tokenizer(SMALL)
    model = module.build_model(SMALL, tokenizer)
    optimizer = torch.optim.AdamW(model.parameters())
    Checkpoint(tmp_path, SMALL).save(model, optimizer, [])
    other = SMALL.model_copy(update={"rows": 7})
    with pytest.raises(InputError, match="rows is 2, expected 7"):
        Checkpoint(tmp_path, other).restore(model, optimizer)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "training.json").write_text("mine")
    with pytest.raises(InputError, match=r"holds training\.json; expected an empty folder"):
        train(SMALL, tmp_path, progress=False)
    (tmp_path / "checkpoint.pt").write_text("cut off")
    with pytest.raises(InputError, match=r"checkpoint\.pt cannot be read: .*; take it away to begin anew"):
        train(SMALL, tmp_path, progress=False)
    assert (tmp_path / "training.json").read_text() == "mine"


def test_the_loss_falls_on_lessons(tmp_path):
    config = SMALL.model_copy(update={"schedule": ((0, 1.0), (30, 0.5)), "learning_rate": 1e-2})
    log = train(config, tmp_path, progress=False)
    assert log[-1]["loss"] < log[0]["loss"] - 1


def test_configurations_are_read_from_toml(tmp_path):
    assert TrainingConfig.read(None) == TrainingConfig()
    (tmp_path / "config.toml").write_text("rows = 12\nseed = 4\n")
    assert TrainingConfig.read(tmp_path / "config.toml") == TrainingConfig(rows=12, seed=4)
    with pytest.raises(InputError, match="cannot be read"):
        TrainingConfig.read(tmp_path / "nowhere.toml")


def test_rows_without_room_for_a_lesson_are_refused(tmp_path):
    config = SMALL.model_copy(update={"row_tokens": 8})
    with pytest.raises(InputError, match="row_tokens is 8; expected room for a lesson of step 0"):
        train(config, tmp_path, progress=False)
