"""Reader of training run folders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from skelgait.checkpoints.best_checkpoint import EVALUATIONS_FILE, Scores, read_scores
from skelgait.checkpoints.folder import list_checkpoints
from skelgait.errors import DataError, SettingsError
from skelgait.settings.run_settings import RUN_FILE, SETTINGS_FILE, read_run_file, with_changes
from skelgait.storage.json_lines import read_json_lines
from skelgait.storage.yaml_files import read_yaml

_METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class Run:
    """Training run. Everything except its name may be empty, because the run has just started or files were removed.

    Attributes:
        name: name of the folder.
        settings: settings by dotted key, with the changes of later resumes.
        facts: content of `run.json`: start time, data and machine.
        metrics: logged steps, in order.
        scores: score of each evaluation during training.
        checkpoints: iterations with a checkpoint file, sorted.
        problems: error messages of files that could not be read.
    """

    name: str
    settings: Mapping[str, object]
    facts: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    scores: Scores
    checkpoints: Sequence[int]
    problems: Sequence[str] = ()


def find_runs(folder: Path, names: Collection[str] = ()) -> list[Run]:
    """Read the runs in a folder, sorted by name.

    Args:
        folder: folder with one folder per run; other content is ignored.
        names: names of the runs to read; empty: all.

    Raises:
        DataError: if there is no run, or if the logged steps or evaluations of a run cannot be read.
        SettingsError: if a name is not that of a run.
    """
    try:
        paths = {path.name: path for path in sorted(folder.iterdir()) if _is_run(path)}
    except OSError as error:
        raise _no_run(folder, error.strerror or str(error)) from error
    if not paths:
        raise _no_run(folder, "no run")
    _check_names(names, paths)
    return [_read(path) for name, path in paths.items() if not names or name in names]


def _no_run(folder: Path, found: str) -> DataError:
    return DataError(folder, found, "a folder with training runs", "train first, or give the folder with --runs")


def _is_run(path: Path) -> bool:
    files = (SETTINGS_FILE, RUN_FILE, _METRICS, EVALUATIONS_FILE)
    return any((path / name).is_file() for name in files) or bool(list_checkpoints(path))


def _check_names(names: Collection[str], existing: Collection[str]) -> None:
    unknown = sorted(set(names) - set(existing))
    if unknown:
        similar = [match for name in unknown for match in get_close_matches(name, existing, n=1)]
        hint = f"did you mean {', '.join(similar)}?" if similar else "give some of these names, or none for all runs"
        raise SettingsError("RUN", ", ".join(unknown), f"some of {', '.join(existing)}", hint)


def _read(folder: Path) -> Run:
    problems: list[str] = []
    facts = _read_facts(folder, problems)
    return Run(
        name=folder.name,
        settings=with_changes(dict(_flatten(_read_settings(folder / SETTINGS_FILE, problems))), facts.get("changes")),
        facts=facts,
        metrics=[line for line in read_json_lines(folder / _METRICS) if isinstance(line.get("iteration"), int)],
        scores=read_scores(folder),
        checkpoints=sorted(list_checkpoints(folder)),
        problems=problems,
    )


def _read_settings(path: Path, problems: list[str]) -> Mapping[str, Any]:
    # A damaged file of one run must not hide the other runs.
    try:
        return read_yaml(path) if path.is_file() else {}
    except SettingsError as error:
        problems.append("; ".join(str(error).splitlines()))
        return {}


def _read_facts(folder: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        return read_run_file(folder)
    except DataError as error:
        problems.append(str(error))
        return {}


def _flatten(content: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the dotted keys and values of nested mappings."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
