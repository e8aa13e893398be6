"""Studies: which runs the book publishes, as tables of configurations."""

STUDIES: dict[str, str] = {
    "selection": "ttsi.studies.toolworld:SELECTION",
    "results": "ttsi.studies.toolworld:RESULTS",
    "sweeps": "ttsi.studies.toolworld:SWEEPS",
    "timing": "ttsi.studies.toolworld:TIMING",
    "paper": "ttsi.studies.paper:PAPER",
    "real-selection": "ttsi.studies.real:SELECTION",
    "real": "ttsi.studies.real:RESULTS",
    "real-timing": "ttsi.studies.real:TIMING",
}
"""Where each study of `ttsi study run` stands, a `ttsi.studies.study.Study`, imported when it is run."""
