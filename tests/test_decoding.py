"""Decoding modes: the vote is on what is called, not on how it is written."""

from ttsi.calls import render_calls
from ttsi.records import Call
from ttsi.scoring import agreement, majority

TABLE = render_calls([Call(name="book_table", arguments={"guests": 4, "city": "Oslo"})])
SAME_TABLE = render_calls([Call(name="book_table", arguments={"city": "Oslo", "guests": "4.0"})])
TAXI = render_calls([Call(name="book_taxi", arguments={})])
BROKEN = "<tool_call>\n{"


def test_answers_that_hold_the_same_calls_vote_together():
    assert majority([TAXI, TABLE, SAME_TABLE, BROKEN, BROKEN]) == TABLE


def test_a_tie_goes_to_the_answer_drawn_first():
    assert majority([TAXI, TABLE, SAME_TABLE, TAXI, BROKEN]) == TAXI


def test_malformed_answers_have_no_vote():
    assert majority([BROKEN, BROKEN, TAXI]) == TAXI
    assert majority([BROKEN, BROKEN + " "]) == BROKEN


def test_agreement_is_a_share():
    assert agreement(TABLE, [SAME_TABLE, TAXI, BROKEN, TABLE]) == 0.5
    assert agreement(BROKEN, [BROKEN, TAXI]) == 0.0
