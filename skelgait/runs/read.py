"""What training left in the folders of its runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from skelgait.checkpoints.best_checkpoint import TESTS, test_scores
from skelgait.checkpoints.folder import kept_checkpoints
from skelgait.errors import DataError, SettingsError
from skelgait.settings.yaml_files import read_yaml
from skelgait.storage.json_lines import read_json_lines

_SETTINGS, _FACTS, _METRICS = "settings.yaml", "run.json", "metrics.jsonl"


@dataclass(frozen=True)
class Run:
    """A training run; everything but its folder may be missing, as a run has just begun or files were removed.

    Attributes:
        name: of its folder.
        settings: its settings by dotted key.
        facts: what `run.json` tells of its start, data and machine.
        metrics: the logged steps, in their order.
        scores: the score of each test while training, in [0, 1], by iteration.
        checkpoints: the iterations whose checkpoints are there.
        problems: files that could not be read, each with the reason.
    """

    name: str
    settings: Mapping[str, object]
    facts: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    scores: Mapping[int, float]
    checkpoints: Sequence[int]
    problems: Sequence[str] = ()


def find_runs(folder: Path, names: Collection[str] = ()) -> list[Run]:
    """Read the runs directly under a folder, sorted by name.

    Args:
        folder: where runs lie, one folder each; what is no run is left out.
        names: the runs to read; all where empty.

    Raises:
        DataError: there is no run, or the steps or tests of one cannot be read.
        SettingsError: some of `names` are no runs; lists those there are.
    """
    try:
        there = {path.name: path for path in sorted(folder.iterdir()) if _is_run(path)}
    except OSError as error:
        raise _none(folder, error.strerror or str(error)) from error
    if not there:
        raise _none(folder, "no run")
    _check_names(names, there)
    return [_read(path) for name, path in there.items() if not names or name in names]


def _none(folder: Path, found: str) -> DataError:
    hint = "train first, or name the folder with --runs"
    return DataError(folder, found, "a folder that holds training runs, one folder each", hint)


def _is_run(path: Path) -> bool:
    files = (_SETTINGS, _FACTS, _METRICS, TESTS)
    return any((path / name).is_file() for name in files) or bool(kept_checkpoints(path))


def _check_names(names: Collection[str], there: Collection[str]) -> None:
    unknown = sorted(set(names) - set(there))
    if unknown:
        near = [match for name in unknown for match in get_close_matches(name, there, n=1)]
        hint = f"did you mean {', '.join(near)}?" if near else "name some of these, or none for all"
        raise SettingsError("RUN", ", ".join(unknown), f"some of {', '.join(there)}", hint)


def _read(folder: Path) -> Run:
    problems: list[str] = []
    return Run(
        name=folder.name,
        settings=dict(_flat(_settings(folder / _SETTINGS, problems))),
        facts=_facts(folder / _FACTS, problems),
        metrics=[line for line in read_json_lines(folder / _METRICS) if isinstance(line.get("iteration"), int)],
        scores=test_scores(folder),
        checkpoints=sorted(kept_checkpoints(folder)),
        problems=problems,
    )


def _settings(path: Path, problems: list[str]) -> Mapping[str, Any]:
    # One damaged file does not hide the other runs.
    try:
        return read_yaml(path) if path.is_file() else {}
    except SettingsError as error:
        problems.append(str(error))
        return {}


def _facts(path: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        found = f"no JSON ({error})"
    if isinstance(found, dict):
        return found
    reason = found if isinstance(found, str) else f"a {type(found).__name__}"
    problems.append(str(DataError(path, reason, "a JSON object", "remove the file")))
    return {}


def _flat(content: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted keys and values of nested mappings."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
