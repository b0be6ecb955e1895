"""The settings in which runs differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from skelgait.runs.read import Run

# The name of a run, which always differs.
_NAME = "train.run_name"


def differing_settings(runs: Sequence[Run]) -> dict[str, dict[str, object]]:
    """The settings that are not alike in all runs, by dotted key, and their value in each run by its name.

    Runs without settings are left out, and of a run the settings that it does not have; a setting that only some runs
    have differs.
    """
    told = [run for run in runs if run.settings]
    # In the order of the first run that has them, which is that of the schema.
    keys = dict.fromkeys(key for run in told for key in run.settings if key != _NAME)
    values = {key: {run.name: run.settings[key] for run in told if key in run.settings} for key in keys}
    return {key: of_run for key, of_run in values.items() if len(of_run) < len(told) or not _alike(of_run.values())}


def _alike(values: Iterable[object]) -> bool:
    first, *others = values
    return all(value == first for value in others)
