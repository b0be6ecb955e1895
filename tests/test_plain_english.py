"""Plain English: docstrings begin with a verb or a noun, and texts use the terms of the field."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

PACKAGE = ROOT / "skelgait"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEXTS = [*sorted(PACKAGE.rglob("*.yaml")), *sorted((ROOT / "examples").rglob("*.md")), ROOT / "README.md"]

OPENING = re.compile(r"(The|What|Whether|Where|Who|Whom|Whose|How)\b")

# Term that is not used, with the one to write instead. Identifiers are split at underscores and capitals.
TERMS = {
    r"mends?|mended": "hint",
    r"misfits?|misshapen|mistyped": "missing, unexpected or mismatched weights",
    r"whole road": "whole pipeline",
    r"nobody known|of nobody": "unknown",
    r"(people|persons) who do not exist": "synthetic walkers",
    r"the authors'?(?! of)": "OpenGait",
    r"resamples?": "bootstrap samples",
    r"optimisers?": "optimizer",
    r"stratum|strata": "view",
    r"everybody s|dataset s": "a noun",
    r"last words|say goodbye|left alone|seconds to speak|signs of leaving": "a plain noun",
    r"(lies|lie) there|there already": "exists",
    r"what (became|becomes) of": "outcome",
    r"(goes|go|going) on (with|where|from)": "resume, continue",
    r"whole or not at all": "atomically",
    r"where (None|not given)": "default",
}
# Words that say nothing as names of variables and parameters.
DETERMINERS = {
    "both", "chosen", "dataset_s", "everybody_s", "how", "its", "of", "one", "own", "place", "said", "some", "there",
    "these", "those", "told", "what", "which", "who", "whose",
}  # fmt: skip
# "figure" is a metric in old texts, but a term of matplotlib and HTML in these files.
FIGURE = re.compile(r"\bfigures?\b", re.IGNORECASE)
FILES_OF_FIGURES = {
    "viz/plot_style.py", "reports/page.py", "reports/cmc.py", "reports/roc.py", "reports/view_pairs.py",
    "reports/plots.py", "reports/open_set.py", "runs/plot.py", "viz/track_plot.py",
}  # fmt: skip


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def public_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and docstring of the module and of its public classes, functions and methods."""
    pending: list[ast.Module | ast.ClassDef] = [tree]
    yield 1, ast.get_docstring(tree) or ""
    while pending:
        for node in pending.pop().body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
                yield node.lineno, ast.get_docstring(node) or ""
                if isinstance(node, ast.ClassDef):
                    pending.append(node)


def words_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each identifier (split into words), string and comment of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", token.string).replace("_", " ")
            yield token.start[0], words
        elif token.type in (tokenize.STRING, tokenize.COMMENT) or token.type == getattr(tokenize, "FSTRING_MIDDLE", -1):
            yield token.start[0], " ".join(token.string.split())


def test_public_docstrings_open_with_a_verb_or_a_noun() -> None:
    assert not [
        (relative(path), line, text.split("\n")[0])
        for path in MODULES
        for line, text in public_docstrings(ast.parse(path.read_text(encoding="utf-8")))
        if OPENING.match(text)
    ]


def test_home_made_terms_are_absent() -> None:
    terms = re.compile("|".join(rf"\b(?:{term})\b" for term in TERMS), re.IGNORECASE)
    assert not [
        (relative(path), line, match[0])
        for path in (*MODULES, *TEXTS)
        for line, text in words_of(path)
        if (match := terms.search(text)) or (match := may_be_figure(path, text))
    ]


def may_be_figure(path: Path, text: str) -> re.Match[str] | None:
    """Return the word figure in a module where it is not a term of matplotlib or HTML."""
    is_exempt = path.suffix != ".py" or path.relative_to(PACKAGE).as_posix() in FILES_OF_FIGURES
    return None if is_exempt else FIGURE.search(text)


def test_variables_are_not_determiners() -> None:
    names = []
    for path in MODULES:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names += [(path, n.lineno, n.id) for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        names += [(path, node.lineno, node.arg) for node in nodes if isinstance(node, ast.arg)]
    assert not [(relative(path), line, name) for path, line, name in names if name.strip("_") in DETERMINERS]
