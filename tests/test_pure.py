"""Settings and help answer at once: they load no model library, no table library and no reader of a benchmark."""

import json
import subprocess
import sys

from ttsi.cli import main

HEAVY = "torch transformers pandas numpy peft llguidance jsonschema dateutil pooch requests openai pyarrow tqdm".split()
PROGRAM = """
import json, sys
import click
import ttsi, ttsi.settings, ttsi.backends, ttsi.benchmarks
from ttsi.cli import main
from ttsi.runs.config import configure

def commands(command, *path):
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)

for profile in ("tiny", "smoke", "real", "paper"):
    configure(profile)
shown = list(commands(main))
for path in shown:
    main([*path, "--help"], standalone_mode=False)
print(json.dumps([[list(path) for path in shown], sorted(sys.modules)]))
"""


def test_settings_and_every_help_load_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown, modules = json.loads(done.stdout.splitlines()[-1])
    assert [name for name in (*HEAVY, "ttsi.benchmarks.nexusraven", "ttsi.agent") if name in modules] == []
    assert {"study run", "agent tune", "book", "run"} <= {" ".join(path) for path in shown}
    assert {path[0] for path in shown if path} == set(main.commands)
