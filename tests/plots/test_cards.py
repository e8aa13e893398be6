"""Cards: what changed is marked, and nothing of a text becomes markup."""

from ttsi_book.plots.cards import change_card, marked


def test_words_that_only_one_answer_has_are_marked():
    before, after = marked('{"port": "Oslo"}', '{"port": "Bergen", "nights": 3}')
    assert "<del>Oslo</del>" in before
    assert "<ins>Bergen</ins>" in after
    assert "nights" in after.split("<ins>", 2)[2]
    assert "<ins>" not in before


def test_equal_answers_have_no_marks():
    assert marked("a b", "a b") == ("a b", "a b")


def test_a_card_shows_what_is_given_and_escapes_it():
    card = change_card("fixed", "<b>", before="x", after="<tool_call>", gold="y", practice=[("<i>", "valid")])
    assert "&lt;b&gt;" in card
    assert "&lt;tool_call&gt;" in card
    assert "<dt>valid</dt><dd>&lt;i&gt;</dd>" in card
    assert "<b>" not in card
    assert card.count("<dl>") == 2


def test_the_right_answer_stands_there_only_where_no_answer_is_it():
    assert "right" not in change_card("t", "r", before="x", after="y", gold="y")
    assert "<dt>right</dt><dd>z</dd>" in change_card("t", "r", before="x", after="y", gold="z")
