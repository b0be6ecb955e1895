"""Settings that differ between runs."""

from __future__ import annotations

from collections.abc import Sequence

from skelgait.runs.read import Run

# Differs in all runs by definition.
_RUN_NAME = "train.run_name"


def differing_settings(runs: Sequence[Run]) -> dict[str, dict[str, object]]:
    """Return the settings that are not the same in all runs.

    Runs without a settings file are left out. A setting that only some runs have counts as different.

    Returns:
        Value by run name, by dotted key. Runs without this setting are left out.
    """
    runs = [run for run in runs if run.settings]
    keys = dict.fromkeys(key for run in runs for key in run.settings if key != _RUN_NAME)
    values = {key: {run.name: run.settings[key] for run in runs if key in run.settings} for key in keys}
    return {key: by_run for key, by_run in values.items() if not _is_same_in_all(by_run, len(runs))}


def _is_same_in_all(values: dict[str, object], n_runs: int) -> bool:
    first, *others = values.values()
    return len(values) == n_runs and all(value == first for value in others)
