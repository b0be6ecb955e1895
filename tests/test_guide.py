"""Agreement of the guide and the documentation site with the code."""

from __future__ import annotations

import re
import shlex
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import skelgait
from skelgait.cli import app
from skelgait.cli.app import COMMANDS
from skelgait.settings import explain, load_settings
from tests.commands import cli_runner
from tests.paths import EXAMPLES, GUIDE, ROOT
from tests.test_imports import MAY_IMPORT, packages

PAGES = sorted(GUIDE.glob("*.md"))
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors_of(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_site_lists_every_page() -> None:
    listed = re.findall(r": (\w+\.md)$", text_of(EXAMPLES / "mkdocs.yml"), re.MULTILINE)
    assert sorted(listed) == [page.name for page in PAGES]


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)
def test_links_exist(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", text_of(page)):
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        assert other.exists(), target
        assert not anchor or anchor in anchors_of(other), target
        # The site has only the pages.
        assert page == CONTRIBUTING or GUIDE in other.resolve().parents, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_exist(page: Path) -> None:
    commands = re.findall(r"(?:`|^\$ )(skelgait [a-z]+[^`\n]*)(?:`|$)", text_of(page), re.MULTILINE)
    for command in commands:
        name, *words = shlex.split(command)[1:]
        result = cli_runner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
        assert result.exit_code == 0, command
        for flag in (word.split("=")[0] for word in words if word.startswith("--")):
            assert flag in result.stdout, command


def test_flags_and_settings_in_inline_code_exist() -> None:
    commands = [command.name for commands in COMMANDS.values() for command in commands]
    helps = [
        cli_runner().invoke(app, [*args, "--help"], env={"COLUMNS": "200"}).stdout for args in ([], *zip(commands))
    ]
    flags = set(re.findall(r" (--[a-z-]+)", " ".join(helps)))
    keys = {key for key, _, _ in explain(load_settings())}
    for page in PAGES:
        code = " ".join(re.findall(r"`([^`\n]+)`", text_of(page)))
        assert set(re.findall(r"(?<!\S)(--[a-z-]+)", code)) <= flags, page.name
        assert set(re.findall(rf"(?<!\S)((?:{'|'.join(commands)}|paths)\.[a-z_.]+)(?=[=:\s])", code)) <= keys, page.name


def test_architecture_lists_the_packages() -> None:
    page = text_of(GUIDE / "architecture.md")
    listed = re.findall(r"^\| `(\w+)` \| [a-z]", page.split("## From poses")[0], re.MULTILINE)
    assert sorted(listed) == sorted(packages() - {"__init__", "__main__"})


def test_drawing_agrees_with_the_import_rules() -> None:
    spec = spec_from_file_location("pictures", EXAMPLES / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    pictures: Any = module_from_spec(spec)
    spec.loader.exec_module(pictures)
    rows = {name: number for number, row in enumerate(pictures.PACKAGES) for name in row}
    assert set(rows) == packages() - {"__init__", "__main__"}
    for package, others in MAY_IMPORT.items():
        assert all(rows[other] > rows[package] for other in others), package


def test_api_page_has_every_public_name() -> None:
    documented = re.findall(r"^::: skelgait\.(\w+)$", text_of(GUIDE / "api.md"), re.MULTILINE)
    assert sorted(documented) == sorted(set(skelgait.__all__) - {"__version__"})


def test_glossary_is_sorted() -> None:
    terms = re.findall(r"^\| ([^|]+) \| ", text_of(GUIDE / "glossary.md"), re.MULTILINE)[1:]
    assert terms == sorted(terms, key=str.lower)
