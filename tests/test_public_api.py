"""Public names of skelgait: complete, lazy, typed and visible to editors."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
import torch

import skelgait
from tests.paths import ROOT

NAMES = sorted(set(skelgait.__all__) - {"__version__"})

RIGHT = """
from pathlib import Path

import skelgait
from skelgait import Key, SkelgaitError, custom_protocol, open_source, skeleton_maps

key: Key = Key("001", "nm-01", "090")
try:
    source = open_source(Path("maps"), "map")
    frames: int = source.length(key)
    maps = skeleton_maps(source.read(key)[0], sigma_px=8.0).maps
    shape: tuple[int, ...] = maps.shape
except SkelgaitError as error:
    hint: str = error.hint
title: str = custom_protocol(["nm-*"], {"Bag": ["bg-*"]}).tables[0].title
version: str = skelgait.__version__
"""

WRONG = """
import skelgait

skelgait.serch("x")
skelgait.custom_protocol("nm-*", {"Bag": 3})
skelgait.Key("001", "nm-01")
skelgait.skeleton_maps([], sigma="wide")
skelgait.custom_protocol(["nm-*"], {"Bag": ["bg-*"]}).titel
"""


def typed_imports() -> dict[str, str]:
    """Module of each name that type checkers see."""
    tree = ast.parse(Path(skelgait.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {name.name: str(node.module).removeprefix("skelgait.") for node in imports for name in node.names}


def test_typed_and_lazy_names_are_the_same() -> None:
    assert typed_imports() == skelgait._MODULES
    assert skelgait.__all__ == sorted(["__version__", *skelgait._MODULES])


@pytest.mark.parametrize("name", NAMES)
def test_name_is_importable_and_documented(name: str) -> None:
    value = getattr(skelgait, name)
    assert value.__name__ == name
    assert inspect.getdoc(value)


def test_reference_page_lists_every_public_name() -> None:
    page = (ROOT / "examples" / "guide" / "api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: skelgait\.(\w+)$", page, re.MULTILINE)) == NAMES


def test_dir_lists_the_public_names() -> None:
    assert dir(skelgait) == skelgait.__all__


def test_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from skelgait import *", names)
    assert set(skelgait.__all__) <= set(names)


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'skelgait' has no attribute 'serch'"):
        getattr(skelgait, "serch")  # noqa: B009


def test_import_loads_no_dependency() -> None:
    code = "import sys, skelgait; print({'torch', 'numba', 'numpy', 'cv2', 'pydantic'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


@pytest.mark.parametrize("name", NAMES)
def test_no_default_is_a_lambda(name: str) -> None:
    value = getattr(skelgait, name)
    methods = [] if not inspect.isclass(value) else [m for m in vars(value).values() if isinstance(m, FunctionType)]
    for function in methods or [value]:
        defaults = [parameter.default for parameter in inspect.signature(function).parameters.values()]
        assert not [default for default in defaults if getattr(default, "__name__", "") == "<lambda>"]


@pytest.mark.parametrize("name", NAMES)
def test_every_path_may_be_a_string(name: str) -> None:
    parameters = inspect.signature(getattr(skelgait, name)).parameters.values()
    assert not [p.name for p in parameters if re.search(r"\bPath\b", str(p.annotation))]


@pytest.mark.parametrize(
    "name",
    [
        "Embedder", "describe_checkpoint", "inspect_path", "load_checkpoint", "open_any", "open_embeddings",
        "open_pairs", "open_raw", "read_protocol",
    ],
)  # fmt: skip
def test_missing_path_given_as_string_raises_skelgait_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(skelgait.SkelgaitError, match="missing"):
        getattr(skelgait, name)(str(tmp_path / "missing"))


@pytest.mark.slow
def test_type_checker_accepts_right_uses_and_refuses_wrong_ones(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    from mypy import api

    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    # The cache of the lint session is used: a first run takes a minute.
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    output, _, _ = api.run([*options, str(tmp_path / "right.py"), str(tmp_path / "wrong.py")])
    errors = [line.split(":")[:2] for line in output.splitlines() if ": error: " in line]
    expected = [i for i, line in enumerate(WRONG.splitlines(), 1) if line.startswith("skelgait.")]
    # mypy remembers errors with the path of an earlier file of this content.
    assert {(Path(path).name, int(line)) for path, line in errors} == {("wrong.py", i) for i in expected}, output


def test_editors_complete_names_and_show_signatures() -> None:
    jedi = pytest.importorskip("jedi", reason="jedi is not installed")
    project = jedi.Project(str(ROOT))
    completions = jedi.Script("import skelgait\nskelgait.", project=project).complete(2, 9)
    assert set(skelgait.__all__) <= {completion.name for completion in completions}
    # jedi knows no fields of named tuples.
    for name in set(NAMES) - {"Key"}:
        (signature, *_) = jedi.Script(f"import skelgait\nskelgait.{name}(", project=project).get_signatures()
        assert signature.name == name
        expected = [p for p in inspect.signature(getattr(skelgait, name)).parameters if p not in ("args", "kwargs")]
        assert [parameter.name for parameter in signature.params][: len(expected)] == expected


def test_arrays_may_be_lists_and_tensors() -> None:
    probes, gallery = [[[0.0], [0.0]]], [[[3.0], [4.0]], [[0.0], [1.0]]]
    for convert in (list, np.asarray, torch.tensor):
        assert skelgait.distance_matrix(convert(probes), convert(gallery)).tolist() == [[5.0, 1.0]]
    poses = np.random.default_rng(0).random((3, 17, 3))
    expected = skelgait.skeleton_maps(poses).maps
    for form in (poses.tolist(), torch.from_numpy(poses)):
        np.testing.assert_array_equal(skelgait.skeleton_maps(form).maps, expected)
