"""The pinned release of Unsloth, which cannot be imported without a GPU: its source, and a stand-in made from it."""

import ast
import functools
import inspect
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import peft
import pytest
import torch
from packaging.requirements import Requirement
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).parents[1]
LOADER, LLAMA, UTILS = (f"unsloth/models/{name}.py" for name in ("loader", "llama", "_utils"))


def download(folder: Path) -> list[Path]:
    """Return the wheels of Unsloth and of its second half, as pyproject.toml pins them; skip without an index."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pins = [text for text in extras["gpu"] if text.startswith("unsloth")]
    names = [f"{pin.name}-{next(iter(pin.specifier)).version}-*.whl" for pin in map(Requirement, pins)]
    if not all(list(folder.glob(name)) for name in names):
        options = ["--no-deps", "--only-binary=:all:", "--retries=1", "--timeout=30", f"--dest={folder}"]
        command = [sys.executable, "-m", "pip", "download", *options, *pins]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "(from versions: none)" in done.stderr:
            pytest.skip("the package index cannot be reached")
        assert done.returncode == 0, done.stderr
    return [next(folder.glob(name)) for name in names]


class Source:
    """The source of a wheel, as syntax trees."""

    def __init__(self, wheel: Path) -> None:
        self._files = zipfile.ZipFile(wheel)

    @functools.cache  # noqa: B019 - one source lives as long as the tests
    def tree(self, path: str) -> ast.Module:
        return ast.parse(self._files.read(path))

    def imports(self, path: str) -> dict[str, str]:
        """Return the module that each name is imported from; of several under one name, the last."""
        found = [node for node in ast.walk(self.tree(path)) if isinstance(node, ast.ImportFrom) and node.level == 1]
        return {alias.name: node.module or "" for node in found for alias in node.names}

    def method(self, path: str, owner: str, name: str) -> ast.FunctionDef:
        """Find a method; where it is wrapped around another class's (`functools.wraps`), that one."""
        classes = {node.name: node for node in self.tree(path).body if isinstance(node, ast.ClassDef)}
        if owner not in classes:
            return self.method(f"{Path(path).parent}/{self.imports(path)[owner]}.py", owner, name)
        [found] = [node for node in classes[owner].body if isinstance(node, ast.FunctionDef) and node.name == name]
        for decorator in found.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "functools.wraps":
                owner, name = ast.unparse(decorator.args[0]).split(".")
                return self.method(path, owner, name)
        return found

    def body(self, path: str, owner: str, name: str) -> str:
        return ast.unparse(self.method(path, owner, name))

    def constant(self, path: str, name: str) -> object:
        [found] = [
            node.value for node in self.tree(path).body if isinstance(node, ast.Assign) and name in defines(node)
        ]
        return ast.literal_eval(found)

    def run(self, path: str, names: set[str]) -> dict:
        """Execute some functions and assignments of a module, and nothing else of it; return them by name."""
        chosen = [node for node in self.tree(path).body if names & defines(node)]
        namespace = {"torch": torch, "inspect": inspect, "functools": functools}
        exec(compile(ast.Module(chosen, []), path, "exec"), namespace)
        return {name: namespace[name] for name in names}


def defines(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def signature(function: ast.FunctionDef) -> inspect.Signature:
    """Return a function's signature, without annotations, and with none for every default."""
    [copy] = ast.parse(ast.unparse(ast.FunctionDef("f", function.args, [ast.Pass()], [], lineno=1))).body
    assert isinstance(copy, ast.FunctionDef)
    args = copy.args
    for argument in filter(None, [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]):
        argument.annotation = None
    args.defaults = [ast.Constant(None) for _ in args.defaults]
    args.kw_defaults = [default and ast.Constant(None) for default in args.kw_defaults]
    namespace: dict = {}
    exec(ast.unparse(copy), namespace)
    return inspect.signature(namespace["f"])


class StandIn:
    """Takes the place of `unsloth.FastLanguageModel`: calls must fit its signatures, and are recorded.

    They are answered by `transformers` and `peft`, and the switch between training and answering by the release's own.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.calls: list[tuple[str, dict]] = []
        names = {"switch_training_mode", "_mode_switch_class_info", "_has_gradient_checkpointing"}
        self._switch = source.run(UTILS, names)["switch_training_mode"]

    def module(self) -> SimpleNamespace:
        return SimpleNamespace(FastLanguageModel=self)

    def _arguments(self, name: str, *given, **named) -> dict:
        function = self.source.method(LOADER, "FastLanguageModel", name)
        arguments = signature(function).bind(*given, **named).arguments
        body = ast.unparse(function)
        for extra in arguments.pop("kwargs", {}):
            assert f"kwargs.get('{extra}'" in body, f"{name} reads no argument {extra}"
        self.calls.append((name, arguments))
        return arguments

    def from_pretrained(self, *given, **named):
        arguments = self._arguments("from_pretrained", *given, **named)
        return AutoModelForCausalLM.from_pretrained(arguments["model_name"], dtype=arguments["dtype"]), None

    def get_peft_model(self, *given, **named):
        arguments = self._arguments("get_peft_model", *given, **named)
        chosen = {name: arguments[name] for name in ("r", "lora_alpha", "target_modules", "lora_dropout")}
        return peft.get_peft_model(arguments["model"], peft.LoraConfig(task_type="CAUSAL_LM", **chosen))

    def for_training(self, *given, **named):
        self._switch(self._arguments("for_training", *given, **named)["model"], True)

    def for_inference(self, *given, **named):
        self._switch(self._arguments("for_inference", *given, **named)["model"], False)
