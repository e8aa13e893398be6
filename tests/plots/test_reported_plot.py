"""What a paper reports beside ours: each number has its mark, and each legend entry, too."""

import numpy as np
import pandas as pd

from ttsi_book.plots.reported import reported_dots

NUMBERS = pd.DataFrame(
    {
        "what": ["base", "TT-SI", "base"],
        "source": ["the paper", "the paper", "ours"],
        "estimate": [54.0, 60.0, 70.0],
        "low": [np.nan, np.nan, 66.0],
        "high": [np.nan, np.nan, 75.0],
    }
)


def test_every_number_has_a_mark_and_no_legend_entry_lacks_one():
    figure = reported_dots({"accuracy (%)": NUMBERS, "gain": NUMBERS.head(1)}, ["the paper", "never run", "ours"])
    first, second = figure.axes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["the paper", "ours"]
    assert [label.get_text() for label in first.get_yticklabels()] == ["base", "TT-SI"]
    assert sum(len(np.asarray(container[0].get_xdata())) for container in first.containers) == 3
    assert len(second.containers) == 1
    assert first.get_xlim()[0] == 0
