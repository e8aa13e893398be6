"""What `ttsi book` does: execute what changed, put the book together, build it, and only then publish it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from ttsi.data import make_folder
from ttsi.records import InputError
from ttsi_book.making import BookError
from ttsi_book.making.chapters import Chapter, find_chapters, select_chapters
from ttsi_book.making.execution import execute_chapter, refresh_prose
from ttsi_book.making.front import fill_front_page
from ttsi_book.making.keys import (
    NEVER,
    Components,
    chapter_components,
    folders_of_data,
    module_digests,
    of_modules,
    outside,
    page_components,
    reasons,
    result_files,
)
from ttsi_book.making.manifest import Manifest, describe_execution, read_manifest
from ttsi_book.making.pages import assemble, build_pages
from ttsi_book.making.pairs import take_back
from ttsi_book.making.parameters import check_parameters
from ttsi_book.making.recording import folders_read, modules_used
from ttsi_book.making.sources import rests_on
from ttsi_book.making.status import status_page

LANDMARKS = ("_config.yml", "book/_toc.yml", "notebooks", "requirements.txt")
SHOWN_REASONS = 5
Say = Callable[[str], object]


@dataclass(frozen=True)
class Place:
    """Where executed chapters and pages go, and where they are made before."""

    chapters: Path
    html: Path
    work: Path

    @property
    def key(self) -> Path:
        """What the pages were built from."""
        return self.work / "pages.json"

    @property
    def manifest(self) -> Path:
        """What is known of the executed chapters, beside them."""
        return self.chapters / "manifest.json"

    def staged(self, chapter: Chapter) -> Path:
        """Return where a chapter stands once it was executed."""
        return self.chapters / f"{chapter.name}.ipynb"


@dataclass(frozen=True)
class Build:
    """One build: its repository and place, the parameters, the components of each chapter's key, and those of all.

    Those that are modules are known of an executed chapter; `modules` has the digests of all, as the build began.
    """

    root: Path
    place: Place
    parameters: Mapping[str, Any]
    components: Mapping[Chapter, Components]
    files: Components
    modules: Components
    say: Say

    def reasons(self, chapter: Chapter) -> list[str]:
        """Say why the staged chapter is not the result of what the repository now holds."""
        known = read_manifest(self.place.manifest).chapters.get(chapter.name)
        if known is None or not self.place.staged(chapter).is_file():
            return [NEVER]
        now = outside(known.unread, self.components[chapter])
        return reasons(known.components, now | of_modules(known.components, self.modules))

    def execute(self, chapter: Chapter, *, force: bool) -> None:
        """Execute a chapter if something that it depends on changed, and stage it.

        Raises:
            BookError: the chapter failed, or data changed meanwhile; what was staged before stays.
        """
        why = self.reasons(chapter) or (["forced"] if force else [])
        if not why:
            self.say(f"{chapter.name}: unchanged")
            return
        self.say(f"{chapter.name} runs{'' if why == [NEVER] else ' again'}: {_in_short(why)}")
        clock = time.monotonic()
        output, used = execute_chapter(chapter, self.parameters, self.root, self.place.work)
        seconds = time.monotonic() - clock
        if touched := reasons(self.files, result_files(self.root)):
            raise BookError(f"{chapter.name}: while it ran, {_in_short(touched)}; no chapter may write there")
        self._stage(chapter, output, used, seconds)
        self.say(f"{chapter.name}: executed in {seconds:.0f} s")

    def pages(self, *, strict: bool) -> Path:
        """Build the pages of all chapters of this build, if something that they depend on changed; returns the first.

        Raises:
            BookError: jupyter-book failed or, when strict, warned; the pages built before stay.
        """
        stale = {chapter.name: self.reasons(chapter) for chapter in self.components}
        built, key = self._built(), self._key()
        why = reasons(built, key)
        if not why:
            self.say("nothing changed: the pages stay as they are")
            return self.place.html / "index.html"
        for chapter in self.components:
            self._refresh(chapter, stale[chapter.name])
        key = self._key()
        manifest = read_manifest(self.place.manifest).only(stale)
        source = self.place.work / "source"
        staged = {chapter: self.place.staged(chapter) for chapter in self.components}
        by_docname = {chapter.docname: path for chapter, path in staged.items()}
        made_from = json.dumps({name: of for name, of in key.items() if name.startswith(("data/", "src/"))})
        assemble(self.root, by_docname, status_page(manifest, stale), source, made_from)
        fill_front_page(source / "intro.md", staged, manifest)
        self.say(f"building the pages: {_in_short(why)}")
        anew = built is None or not all(
            _is_a_pages_own(name) for name in {**built, **key} if built.get(name) != key.get(name)
        )
        page = build_pages(self.root, source, self.place.html, strict=strict, anew=anew)
        self.place.key.write_text(json.dumps(key, indent=1), encoding="utf-8")
        return page

    def _key(self) -> Components:
        chapters = {"choice of chapters": " ".join(chapter.name for chapter in self.components)}
        return page_components(self.root, self.place.chapters, self.files) | chapters

    def _built(self) -> Components | None:
        """Return what the pages in place were built from, if they are there."""
        known = self.place.key.is_file() and (self.place.html / "index.html").is_file()
        return json.loads(self.place.key.read_text(encoding="utf-8")) if known else None

    def _stage(self, chapter: Chapter, output: Path, used: Path, seconds: float) -> None:
        self.place.chapters.mkdir(parents=True, exist_ok=True)
        output.replace(self.place.staged(chapter))
        settings = chapter.defaults() | dict(self.parameters)
        unread = self._unread(chapter, used)
        modules = of_modules(modules_used(used, self.modules, self.root / "src"), self.modules)
        execution = describe_execution(outside(unread, self.components[chapter]) | modules, unread, settings, seconds)
        read_manifest(self.place.manifest).with_chapter(chapter.name, execution).write(self.place.manifest)

    def _unread(self, chapter: Chapter, used: Path) -> set[str]:
        """Return the folders of data that were not read when a chapter was executed, and that it does not name."""
        cells = [cell.source for cell in chapter.notebook().cells if cell.cell_type == "code"]
        named = tuple(f"data/{name}/" for name in set[str]().union(*rests_on(cells)))
        read = folders_read(used, self.root)
        return {one for one in folders_of_data(self.files) - read if not f"{one}/".startswith(named)}

    def _refresh(self, chapter: Chapter, stale: Sequence[str]) -> None:
        """Bring the prose of a staged chapter up to date, unless its code changed, too."""
        if stale:
            self.say(f"{chapter.name}: built as it was, although {_in_short(stale)}")
            return
        staged = self.place.staged(chapter)
        nbformat.write(refresh_prose(chapter, nbformat.read(staged, as_version=4)), staged)


def make_book(
    *, only: Sequence[str], parameters: Mapping[str, Any], out: str | None, force: bool, say: Say = print
) -> Path:
    """Execute the chapters that changed and build the book; returns its first page.

    Without `out`, the published book is made: all chapters, as they are written. With `out`, a side build of the chosen
    chapters with the given parameters goes there, and nothing published is touched.

    Raises:
        InputError: there is no book here, a chapter or a parameter is unknown, or published results would be spoilt.
        BookError: a chapter or the pages failed; finished chapters are kept, the last good book stays in place.
    """
    root = find_root(Path.cwd())
    chapters = find_chapters(root)
    chosen = select_chapters(chapters, only)
    check_parameters(parameters, chosen)
    place = _published(root, parameters) if out is None else _beside(Path(out).resolve())
    shown = chapters if out is None else chosen
    _refuse_missing(place, [chapter for chapter in shown if chapter not in chosen])
    for chapter in filter(take_back, shown):
        say(f"notebooks/{chapter.path.name}: written anew from its .ipynb, which Jupyter saved")
    files = result_files(root)
    components = {chapter: chapter_components(chapter, parameters, root, files) for chapter in shown}
    build = Build(root, place, parameters, components, files, module_digests(root), say)
    for chapter in chosen:
        build.execute(chapter, force=force)
    return build.pages(strict=shown == chapters)


def find_root(start: Path) -> Path:
    """Return the repository that `start` lies in.

    Raises:
        InputError: none of the folders from `start` upwards is one.
    """
    for folder in (start, *start.parents):
        if all((folder / landmark).exists() for landmark in LANDMARKS):
            return folder
    raise InputError(f"no book in {start} or above; expected a folder with {', '.join(LANDMARKS)}")


def _published(root: Path, parameters: Mapping[str, Any]) -> Place:
    if parameters:
        raise InputError(
            f"parameters ({', '.join(parameters)}) would change published results; expected --out DIR with them"
        )
    return Place(root / "book" / "notebooks", root / "_build" / "html", root / "_build" / "work")


def _beside(out: Path) -> Place:
    place = Place(out / "chapters", out / "html", out / "work")
    if out.exists() and not place.manifest.is_file() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out} holds something else; expected a new folder or one of an earlier side build")
    make_folder(out)
    if not place.manifest.is_file():
        Manifest().write(place.manifest)
    return place


def _refuse_missing(place: Place, others: Sequence[Chapter]) -> None:
    missing = [chapter.name for chapter in others if not place.staged(chapter).is_file()]
    if missing:
        raise InputError(f"{', '.join(missing)} never executed; expected a whole build before one with --only")


def _is_a_pages_own(name: str) -> bool:
    """Whether a component of the pages' key is the source of one page, which alone has to be made anew."""
    return name.startswith(("notebooks/", "executed ")) or (name.startswith("book/") and name.endswith(".md"))


def _in_short(why: Sequence[str]) -> str:
    shown = "; ".join(why[:SHOWN_REASONS])
    return f"{shown}; and {len(why) - SHOWN_REASONS} more" if len(why) > SHOWN_REASONS else shown
