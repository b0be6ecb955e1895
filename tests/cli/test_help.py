"""Help texts: width, choices, examples and imports."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from skelgait.cli import app, options
from skelgait.cli.app import COMMANDS
from skelgait.cli.command import Command
from tests.commands import cli_runner
from tests.paths import ROOT

ALL = [command for commands in COMMANDS.values() for command in commands]
NAMES = [command.name for command in ALL]


def help_of(*args: str, width: int = 80) -> str:
    result = cli_runner().invoke(app, [*args, "--help"], env={"COLUMNS": str(width), "TERMINAL_WIDTH": str(width)})
    assert result.exit_code == 0, result.output
    return result.stdout


def words(text: str) -> set[str]:
    """Return the words of a help text, without brackets, punctuation and the frame."""
    return {word.strip("[],;.│") for word in text.split()}


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("args", [(), *((name,) for name in NAMES)], ids=lambda args: "-".join(args) or "skelgait")
def test_help_fits_the_terminal_and_shows_no_python_types(args: tuple[str, ...], width: int) -> None:
    text = help_of(*args, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert not re.findall(r"<bool>|<str>|list\[str\]|default: \(|…", text)


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("command", ALL, ids=NAMES)
def test_choices_flags_and_examples_are_not_broken(command: Command, width: int) -> None:
    text = help_of(command.name, width=width)
    lines = [line.strip() for line in text.splitlines()]
    keys = [*command.arguments, *(key for keys in command.flags.values() for key in keys)]
    for key in keys:
        assert {*options.choices(key)} <= words(text), key
    assert len(command.examples) == 2
    for example in command.examples:
        assert f"$ {example}" in lines


@pytest.mark.parametrize("command", ALL, ids=NAMES)
def test_examples_use_existing_flags(command: Command) -> None:
    known = words(help_of(command.name, width=200))
    for example in command.examples:
        program, name, *rest = shlex.split(example)
        assert (program, name) == ("skelgait", command.name)
        assert {word for word in rest if word.startswith("--")} <= known


def test_root_help_lists_every_command_on_one_line() -> None:
    text = help_of()
    for panel, commands in COMMANDS.items():
        assert f"─ {panel} ─" in text
        for command in commands:
            summary = (command.run.__doc__ or "").splitlines()[0]
            assert re.search(rf"│ {command.name} +{re.escape(summary)} +│", text), command.name


def test_flag_of_numbers_and_a_word_shows_both() -> None:
    assert re.search(r"--frame-offset +<int\|auto> ", help_of("link"))


def test_descriptions_of_flags_are_short_phrases() -> None:
    for command in ALL:
        for key in (key for keys in command.flags.values() for key in keys):
            description = options.description(key)
            assert description.endswith("."), key
            assert len(description) <= 90, key


@pytest.mark.parametrize("name", ["runs", "evaluate"])
def test_extra_in_brackets_is_shown(name: str) -> None:
    assert "skelgait[plots]" in help_of(name, width=200)


HEAVY = ("torch", "numba", "cv2", "h5py", "numpy", "scipy", "matplotlib", "pandas", "yaml")


def run_python(script: str, *args: str) -> list[str]:
    """Run a program in a new process; return the words of the last line that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *args]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[-1].split()


def test_help_of_no_command_imports_heavy_modules() -> None:
    script = (
        "import sys\n"
        "from skelgait.cli import app\n"
        "imported = []\n"
        "for name in sys.argv[1:]:\n"
        "    app([name, '--help'] if name else ['--help'], standalone_mode=False)\n"
        f"    imported += [f'{{name}}:{{module}}' for module in {HEAVY} if module in sys.modules]\n"
        "print('\\nimported', *imported)\n"
    )
    assert run_python(script, "", *NAMES) == ["imported"]


@pytest.mark.parametrize("args", [("runs",), ("inspect", "."), ("config",), ("config", "train")])
def test_runs_inspect_and_config_do_not_import_torch(args: tuple[str, ...]) -> None:
    script = (
        "import sys\n"
        "from skelgait.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\ntorch' if 'torch' in sys.modules else '\\nlight')\n"
    )
    assert run_python(script, *args) == ["light"]


def test_root_help_does_not_import_the_settings() -> None:
    script = "import sys; import skelgait.cli; print('skelgait.settings' in sys.modules, 'pydantic' in sys.modules)"
    assert run_python(script) == ["False", "False"]
