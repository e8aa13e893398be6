"""The files of the page: an index, and what it loads when a reader chooses; each a script, so that `file://` works.

| file | holds |
|---|---|
| `index.js` | sets of samples, and the families of each |
| `rows-SET--FAMILY.js` | the samples of a family, what made them, and what its gate does at each tau |
| `practice-SET--FAMILY.js` | the practice examples, and the loss of training on them |
| `tools-SET.js` | the tools on offer, of a generated benchmark |

The practice and the tools of a set that pools splits stand in the files of its parts.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from ttsi_book.explore.gates import TAUS, gate_points, margins_for, read_costs, without_gate
from ttsi_book.explore.samples import (
    Texts,
    are_withheld,
    generated,
    is_generated,
    practice_of,
    sample_rows,
    texts_of,
    tools_of,
)
from ttsi_book.explore.sets import Runs, SampleSet, read_sets
from ttsi_book.explore.settings import settings_table, unlike_the_paper


def write_explorer(data: Path, out: Path) -> None:
    """Write the files of the page from the published runs below the data folder; what `out` held before goes.

    Raises:
        InputError: there are no published runs, or they do not fit their samples.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sets = read_sets(data)
    for chosen in sets:
        _write_set(chosen, data, out)
    index = {"taus": [round(float(tau), 2) for tau in TAUS], "sets": [_in_index(chosen) for chosen in sets]}
    _write(out, "index", index)


def _write_set(chosen: SampleSet, data: Path, out: Path) -> None:
    samples = generated(chosen)
    texts = texts_of(chosen, samples)
    for runs in chosen.runs:
        _write(out, f"rows-{chosen.name}--{runs.family}", _rows(chosen, runs, texts, data))
        if not chosen.pooled:
            _write(out, f"practice-{chosen.name}--{runs.family}", practice_of(runs.rows))
    if samples and not chosen.pooled:
        _write(out, f"tools-{chosen.name}", tools_of(samples))


def _rows(chosen: SampleSet, runs: Runs, texts: Texts, data: Path) -> dict[str, Any]:
    margins = margins_for(runs, chosen.base())
    costs = read_costs(runs, chosen.study, data)
    gates = margins if runs.is_gated else margins[[]]
    return {
        "gates": {name: gate_points(runs.rows.assign(margin=column), costs) for name, column in gates.items()},
        "all": without_gate(runs, costs),
        "seconds": costs.source,
        "settings": settings_table(runs),
        "differs": unlike_the_paper(runs),
        "estimators": list(margins.columns),
        "rows": sample_rows(runs, margins, texts),
    }


def _in_index(chosen: SampleSet) -> dict[str, Any]:
    return {
        "name": chosen.name,
        "title": chosen.title,
        "parts": chosen.parts,
        "tools": is_generated(chosen),
        "withheld": are_withheld(chosen),
        "families": [_family(runs) for runs in chosen.runs],
    }


def _family(runs: Runs) -> dict[str, Any]:
    return {
        "name": runs.family,
        "label": runs.label,
        "gated": runs.is_gated,
        "tau": runs.made[0].config["loop"]["tau"],
    }


def _write(out: Path, name: str, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (out / f"{name}.js").write_text(f"explore.take({json.dumps(name)},{text});\n", encoding="utf-8")
