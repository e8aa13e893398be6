"""Downloads a benchmark's files, each refused unless it is, byte for byte, the one that the manifest pins.

A file is written beside its place under another name and moved there only when it is verified, so that what stands in
its place is whole: an interruption, a full disk or a second download at the same time change nothing.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pooch
from requests import RequestException

from ttsi.benchmarks.sources import Manifest, SourceFile, data_folder, load_manifest
from ttsi.records import InputError, Subset


def fetch(
    benchmark: str,
    data_dir: Path | None = None,
    *,
    subset: Subset = "test",
    manifest: Manifest | None = None,
    timeout: float = 30.0,
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Download what is missing of a benchmark and return where its files lie.

    Args:
        benchmark: one of the manifest's sources.
        data_dir: folder of the benchmarks; none: where `ttsi.benchmarks.load` looks.
        subset: which files.
        manifest: none: that of the data folder.
        timeout: seconds to wait for the server, to connect and between two parts of an answer.
        say: is told about each file.

    Raises:
        InputError: there are no such files, one cannot be downloaded or written, or is not the pinned one.
    """
    manifest = manifest or load_manifest()
    if benchmark not in manifest.sources:
        raise InputError(f"unknown benchmark {benchmark!r}; expected one of {', '.join(manifest.sources)}")
    files = [file for file in manifest.source(benchmark).files if file.subset == subset]
    if not files:
        raise InputError(f"{benchmark} has no {subset} set to fetch")
    folder = data_folder(data_dir) / benchmark
    for file in files:
        target = folder / file.path
        if target.is_file() and difference(target, file) is None:
            say(f"{target} is there")
        else:
            _download(manifest.url(benchmark, file), target, file, timeout)
            say(f"{target} fetched")
    return [folder / file.path for file in files]


def difference(path: Path, file: SourceFile) -> str | None:
    """Return how a file differs from the pinned one, in words; none if it is that file."""
    size = path.stat().st_size
    if file.bytes is not None and size != file.bytes:
        return f"{size} bytes instead of {file.bytes}"
    if file.sha256 is not None and (found := pooch.file_hash(str(path), alg="sha256")) != file.sha256:
        return f"SHA-256 {found} instead of {file.sha256}"
    if file.blob is not None and (found := git_blob(path)) != file.blob:
        return f"git blob {found} instead of {file.blob}"
    return None


def git_blob(path: Path) -> str:
    """Return the id that git gives to a file's content."""
    head = b"blob %d\0" % path.stat().st_size
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(head, usedforsecurity=False)).hexdigest()


def _download(url: str, target: Path, file: SourceFile, timeout: float) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".fetching-") as folder:
            part = Path(folder) / "part"
            pooch.HTTPDownloader(timeout=timeout)(url, str(part), None)
            found = difference(part, file)
            if found is not None:
                raise InputError(f"{url} is not the pinned file: found {found}; nothing was kept")
            part.replace(target)
    except RequestException as error:
        raise InputError(f"{url} cannot be downloaded: {error}; nothing was kept") from error
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}; nothing was kept") from error
