"""One chapter, run by papermill in a fresh process, in a scratch place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from traitlets import default

from ttsi_book.making import BookError, recording
from ttsi_book.making.chapters import Chapter

KERNEL_START_SECONDS = 180
CELL_SECONDS = 1800
"""A cell that takes longer hangs: the longest takes about a minute on two cores."""

QUIET_PROGRESS = {"TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore:IProgress not found"}
"""A page has no progress bars, so that tqdm misses the widgets for them is no news."""


def execute_chapter(chapter: Chapter, parameters: Mapping[str, Any], root: Path, work: Path) -> tuple[Path, Path]:
    """Execute a chapter with the repository root as working directory.

    Returns:
        Where the result stands, and a file of what was used of the project, as `ttsi_book.making.recording` notes it.

    Raises:
        BookError: a cell failed or hung, or the kernel died; the chapter as far as it ran stays under `work`.
    """
    work.mkdir(parents=True, exist_ok=True)
    output, used = work / f"{chapter.name}.ipynb", work / f"{chapter.name}.used"
    used.write_text("")
    try:
        executed = execute_notebook(
            chapter.notebook(),
            output,
            parameters=dict(parameters),
            cwd=root,
            progress_bar=False,
            kernel_name="python3",
            start_timeout=KERNEL_START_SECONDS,
            execution_timeout=CELL_SECONDS,
            kernel_manager_class=_kernel_manager(root, work, used),
        )
    except PapermillExecutionError as error:
        why = f"{error.ename}: {error.evalue}"
        raise BookError(_failure(chapter, parameters, error.cell_index, error.source, why, output)) from error
    except CellTimeoutError as error:
        raise BookError(_stopped(chapter, parameters, f"still running after {CELL_SECONDS} s", output)) from error
    except DeadKernelError as error:
        why = "its process died, as it does where memory runs out"
        raise BookError(_stopped(chapter, parameters, why, output)) from error
    except RuntimeError as error:  # Jupyter's, for a process that did not start in time
        raise BookError(f"{chapter.name}: {error}") from error
    _refuse_errors(chapter, executed, parameters, output)
    return output, used


def refresh_prose(chapter: Chapter, executed: NotebookNode) -> NotebookNode:
    """Return the chapter as it now reads, with the results of its code, which did not change.

    What papermill noted of the run goes: it names folders of this machine, and the manifest has the times.
    """
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    cells: list[NotebookNode] = []
    for cell in chapter.notebook().cells:
        if cell.cell_type != "code":
            cells.append(cell)
            continue
        cell.update(outputs=ran[0].outputs, execution_count=ran.pop(0).execution_count)
        cells.append(cell)
        if ran and "injected-parameters" in ran[0].metadata.get("tags", []):
            cells.append(ran.pop(0))
    executed.cells = cells
    executed.metadata.pop("papermill", None)
    return executed


def _kernel_manager(root: Path, work: Path, used: Path) -> type[AsyncKernelManager]:
    """Return a manager of one kernel: this interpreter, whatever kernels and start-up files the user has."""
    environment = recording.environment(used, root)
    environment |= {"IPYTHONDIR": str(work / "ipython")} | QUIET_PROGRESS
    spec = KernelSpec(env=environment, **get_kernel_dict(["--IPKernelApp.log_level=CRITICAL"]))

    class ChapterKernelManager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

        @default("transport_encryption")
        def _encrypt(self) -> str:
            return "auto"

    return ChapterKernelManager


def _refuse_errors(chapter: Chapter, executed: NotebookNode, parameters: Mapping[str, Any], output: Path) -> None:
    """Refuse an error that did not stop the run: in a cell that may raise, or an exit with status 0."""
    for index, cell in enumerate(executed.cells):
        for shown in cell.get("outputs", []):
            if shown.output_type == "error":
                why = f"{shown.ename}: {shown.evalue}"
                raise BookError(_failure(chapter, parameters, index, cell.source, why, output))


def _stopped(chapter: Chapter, parameters: Mapping[str, Any], why: str, output: Path) -> str:
    """Say at which cell a chapter was when it stopped: papermill notes when each cell starts."""
    cells = nbformat.read(output, as_version=4).cells
    index = max(index for index, cell in enumerate(cells) if cell.metadata.papermill["start_time"])
    return _failure(chapter, parameters, index, cells[index].source, why, output)


def _failure(chapter: Chapter, parameters: Mapping[str, Any], index: int, source: str, error: str, output: Path) -> str:
    """Name the cell, counted from 1 as the source has them: papermill adds one after the `parameters` cell."""
    before = chapter.notebook().cells[:index]
    added = bool(parameters) and any("parameters" in cell.metadata.get("tags", []) for cell in before)
    where = f"{chapter.name}, cell {index + 1 - added} ({source.strip().splitlines()[0]})"
    return f"{where}: {error.rstrip(': ')}; the chapter as far as it ran: {output}"
