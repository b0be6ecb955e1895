"""Docstrings start with a verb or a noun phrase, not with an article or a question word."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.paths import ROOT

OPENING = re.compile(r"(The|What|Whether|Where|Who|Whom|Whose|How|Which|When|Why)\b")


@pytest.mark.parametrize("path", sorted((ROOT / "skelgait").rglob("*.py")), ids=lambda path: path.stem)
def test_docstrings_open_plainly(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            assert not OPENING.match(text), text.splitlines()[0]
