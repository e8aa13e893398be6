"""The book: executes the chapters whose content changed, each in a fresh process, then builds the pages.

- `chapters`: what a chapter is: a percent file under notebooks/, its cells and its parameters
- `pairs`: the clean .ipynb beside each chapter, and the way back from one that Jupyter saved
- `parameters`: the values that `-p name=value` gives
- `recording`: which modules the processes of a chapter import
- `keys`: what a chapter's result depends on, and why it must run again
- `execution`: one chapter, run by papermill in a scratch place
- `manifest`: what is known of each executed chapter
- `pages`: the source of the book put together, and jupyter-book
- `sources`: where a figure or a table comes from
- `front`: what the front page says of results, taken from the chapters
- `status`: the page on which the book publishes its own machine state
- `build`: all of it in order: what `ttsi book` does
- `serving`: the book in a browser, kept up to date while its sources are edited
- `reproducing`: two builds compared, number by number
"""


class BookError(RuntimeError):
    """The book cannot be made as it is; the message says where and why."""
