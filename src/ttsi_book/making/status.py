"""The page on which the book publishes its own machine state, as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from ttsi_book.making.manifest import Execution, Manifest


def status_page(manifest: Manifest, stale: Mapping[str, Sequence[str]]) -> str:
    """Return the tables of executed chapters and of package versions; `stale` says which results are out of date."""
    results, circumstances = [], []
    for name, run in manifest.chapters.items():
        page, ended = f"[](notebooks/{name}.ipynb)", run.ended.removesuffix("+00:00").replace("T", " ")
        state = f"out of date: {'; '.join(stale[name])}" if stale.get(name) else "up to date"
        results.append((page, _settings(run.parameters), f"{run.seconds:,.0f}", state))
        circumstances.append((page, ended, _commit(run), f"{run.machine}, Python {run.python}"))
    total = sum(run.seconds for run in manifest.chapters.values())
    return "\n\n".join(
        [
            f"All chapters together took {total / 60:.1f} minutes.",
            _table(("Chapter", "Parameters", "Seconds", "Result"), results),
            _table(("Chapter", "Executed (UTC)", "Commit", "Machine"), circumstances),
            _table(("Package", "Version"), _versions()),
        ]
    )


def _settings(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in parameters.items()) or "as written"


def _commit(run: Execution) -> str:
    return f"{run.commit[:7]}{' with changes' if run.dirty else ''}" if run.commit else "unknown"


def _versions() -> list[tuple[str, str]]:
    """Return the versions of what the library and the book ask for directly."""
    asked = [Requirement(text) for text in requires("ttsi") or []]
    parts = ({"extra": "chapters"}, {"extra": "book"})
    wanted = {one.name for one in asked if one.marker is None or any(map(one.marker.evaluate, parts))}
    return [(name, _version(name)) for name in sorted(wanted)]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
