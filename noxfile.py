"""What is checked and how: `nox` for everything a change must pass, `nox -l` for the rest."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_missing_interpreters = True


@nox.session
def lint(session: nox.Session) -> None:
    """Style and common mistakes."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.install(".[lint]", "nox")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; `nox -s tests -- -m "not slow"` for the quick ones."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def minimums(session: nox.Session) -> None:
    """All tests with the oldest dependencies that are promised."""
    dependencies = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
    session.install(*(dependency.split(",")[0].replace(">=", "==") for dependency in dependencies), ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """The demo, as a new user runs it."""
    session.install(".")
    session.run("skelgait", "demo", "--out", session.create_tmp())


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks; each prints a card, and as its last line one JSON object."""
    session.install(".[test]")
    for script in sorted(Path("tests/benchmarks").glob("*.py")):
        session.run("python", "-m", f"tests.benchmarks.{script.stem}", *session.posargs)
