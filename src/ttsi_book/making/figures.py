"""Figures for pages: Matplotlib's SVG becomes a part of the page, in the colours of its theme."""

import re
from xml.etree import ElementTree

from ttsi_book.plots.colours import COLOURS

SVG = "http://www.w3.org/2000/svg"
UNWANTED = (f"{{{SVG}}}metadata", f"{{{SVG}}}style")
"""What would say nothing, or to the whole page: `book/_static/book.css` has the style."""

LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"#([\w-]+)\)?$")

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def themed_svg(svg: str, *, name: str, alternative: str) -> str:
    """Return a figure as HTML: transparent, text in the page's colour and font, the rest in variables of its theme.

    Args:
        svg: as Matplotlib writes it in the book's style.
        name: of the figure, unlike any other on the page.
        alternative: text for readers who do not see it.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in [one for one in parent if one.tag in UNWANTED or one.get("id") == "card"]:
            parent.remove(child)
    _rename(root, name)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.attrib.update({"role": "img", "aria-label": alternative})
    text = ElementTree.tostring(root, encoding="unicode")
    for colour, value in COLOURS.items():
        text = text.replace(value, "currentColor" if colour == "ink" else f"var(--plot-{colour}, {value})")
    return f'<div class="plot">{text}</div>'


def _rename(root: ElementTree.Element, name: str) -> None:
    """Keep the ids that something refers to, and make them those of this figure."""
    for element in root.iter():
        for attribute, value in list(element.attrib.items()):
            if attribute == LINK or value.startswith("url(#"):
                element.set(attribute, value.replace("#", f"#{name}-"))
    used = {found[1] for one in root.iter() for value in one.attrib.values() if (found := _REFERENCE.search(value))}
    for element in root.iter():
        own = f"{name}-{element.attrib.pop('id', '')}"
        if own in used:
            element.set("id", own)
