"""Checks of the project: `nox` runs everything that a change must pass, `nox -l` lists the other sessions."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["lint", "types", "tests"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
# One process for each core runs the tests: more threads in each of them only wait for each other. Each process gets
# neighboring tests, which share the data of a module, and takes tests of another process when it has none left.
PARALLEL = ("-n", "auto", "--dist", "worksteal")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
# From Python 3.12 on, coverage measures through sys.monitoring, which costs less.
COVERAGE = {"COVERAGE_CORE": "sysmon"} if sys.version_info >= (3, 12) else {}


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and common mistakes."""
    session.install(_pinned("ruff"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, in the package and in the tests."""
    session.install(".[lint,test]", "nox")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests; `nox -s tests -- tests/maps` runs those of a folder."""
    session.install(".[test]")
    session.run("pytest", *PARALLEL, *session.posargs, env=ONE_THREAD)


@nox.session
def coverage(session: nox.Session) -> None:
    """Print the coverage of the quick tests; most slow ones run commands in other processes, which it does not see."""
    session.install(".[test]")
    quick = ("-m", "not slow", "--cov", "--cov-report=")
    session.run("pytest", *PARALLEL, *quick, *session.posargs, env=ONE_THREAD | COVERAGE)
    session.run("coverage", "report", "--format=total", log=False)


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Run the quick tests with each supported Python that is installed."""
    session.install(".[test]")
    session.run("pytest", *PARALLEL, "-m", "not slow", *session.posargs, env=ONE_THREAD)


@nox.session(python=["3.10", "3.12"])
def minimums(session: nox.Session) -> None:
    """Run all tests with the oldest supported dependencies, also those of the extras; on Linux, torch takes 5 GB."""
    constraints = Path(session.create_tmp()) / "minimums.txt"
    constraints.write_text("\n".join(_minimums()) + "\n", encoding="utf-8")
    session.install("-c", str(constraints), ".[test]")
    session.run("pytest", *PARALLEL, *session.posargs, env=ONE_THREAD)


@nox.session
def newest(session: nox.Session) -> None:
    """Run all tests with the newest dependencies."""
    session.install("--upgrade", "--upgrade-strategy", "eager", ".[test]")
    session.run("pytest", *PARALLEL, *session.posargs, env=ONE_THREAD)


@nox.session(python=[PYTHONS[0], PYTHONS[-1]])
def package(session: nox.Session) -> None:
    """Build sdist and wheel, install the wheel into an empty environment, and run the quick tests of the sdist."""
    session.install("build")
    folder = Path(session.create_tmp()).resolve() / "package"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(folder))
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    if wheel.stat().st_size >= 10**6:
        session.error(f"{wheel.name} has {wheel.stat().st_size} bytes; expected less than 1 MB")
    session.install(f"{wheel}[test]")
    shutil.unpack_archive(sdist, folder)
    session.chdir(folder)
    session.run("skelgait", "--version", "--all")
    session.run("skelgait", "demo", "--quick")
    session.chdir(folder / sdist.name.removesuffix(".tar.gz"))
    session.run("pytest", *PARALLEL, "-m", "not slow", *session.posargs, env=ONE_THREAD)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site in build/site; a warning or a dead link is an error."""
    session.install(".[docs]")
    session.run("mkdocs", "build", "--strict", "--config-file", "examples/mkdocs.yml")


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo, as a new user does."""
    session.install(".")
    session.run("skelgait", "demo", "--out", session.create_tmp())


@nox.session
def faults(session: nox.Session) -> None:
    """Kill, starve, stop and race all writing commands, then compare their output; takes up to 15 minutes."""
    session.install(".[test]")
    session.run("python", "-m", "tests.faults", *session.posargs, env=ONE_THREAD)
    if not session.posargs:
        session.run("pytest", "tests/runtime/test_killed.py", "--durations=0", env=ONE_THREAD)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks; each prints a table, and one JSON object as its last line."""
    session.install(".[test]")
    for script in sorted(Path("tests/benchmarks").glob("*.py")):
        session.run("python", "-m", f"tests.benchmarks.{script.stem}", *session.posargs)


@nox.session
def gpu(session: nox.Session) -> None:
    """Compare a CUDA device with the CPU; prints a table in a few minutes, or why it is skipped."""
    session.install(".[test]")
    session.run("python", "-m", "tests.gpu", *session.posargs)


@nox.session
def load(session: nox.Session) -> None:
    """Run the commands on 15,000 and 150,000 small sequences; print seconds and memory."""
    session.install(".[test]")
    session.run("python", "-m", "tests.load", *session.posargs)


@nox.session
def video(session: nox.Session) -> None:
    """Run the tests of videos with MediaPipe and rtmlib; `MEDIAPIPE_MODEL` names a bundle, or a wheel with models."""
    session.install(".[test,video]", "rtmlib")
    session.run("pytest", "tests/video", *PARALLEL, *session.posargs, env=ONE_THREAD)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Damage the files of every reader; `nox -s fuzz -- --seconds 20` sets the time for each, 600 if it is left out."""
    session.install(".[fuzz]")
    session.run("pytest", "tests/fuzz", *PARALLEL, env={**ONE_THREAD, "FUZZ_EXAMPLES": "2000"})
    session.run("python", "-m", "tests.fuzz", *session.posargs)


def _minimums() -> list[str]:
    """Return the oldest supported version of each dependency, as a requirement of exactly this version."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = ("export", "hub", "onnx", "plots", "tensorboard")
    required = [
        *project["dependencies"],
        *(line for extra in extras for line in project["optional-dependencies"][extra]),
    ]
    minimums = [requirement.replace(">=", "==") for requirement in required if ">=" in requirement]
    # typer 0.12 does not work with click 8.2, and matplotlib 3.9 warns with pyparsing 3.3; they allow both.
    return [*minimums, "click==8.1.7", "pyparsing==3.2.5"]


def _pinned(tool: str) -> str:
    """Return a tool with its version, as the extra `lint` pins it."""
    extra = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]["lint"]
    return str(next(requirement for requirement in extra if requirement.startswith(f"{tool}==")))
