"""Settings that may change when a run is resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.errors import DataError, SettingsError
from skelgait.settings import Settings
from skelgait.settings.changes import KINDS, Change, ChangeKind, find_changes, refuse_changes, setting_kind
from skelgait.settings.dotted import leaves
from skelgait.settings.run_settings import settings_to_record, with_changes
from skelgait.settings.training import TrainSettings

RESULT, HARMLESS = ChangeKind.RESULT, ChangeKind.HARMLESS


def test_every_setting_that_a_run_records_has_a_kind() -> None:
    training = [key for key, _ in leaves(TrainSettings(), "train.")]
    assert {key: setting_kind(key) for key in training}
    # A section of `train` that is added needs an entry too, not that of the whole section.
    assert "train" not in KINDS
    for name in TrainSettings.model_fields:
        assert f"train.{name}" in KINDS, name


def test_every_kind_is_that_of_a_setting() -> None:
    keys = [key for key, _ in leaves(Settings())]
    for name in KINDS.keys() - {"data", "versions"}:
        assert any(key == name or key.startswith(f"{name}.") for key in keys), name


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("train.seed", RESULT), ("train.losses.triplet.margin", RESULT), ("train.losses.other", RESULT),
        ("train.sampling.clip_len", RESULT), ("train.augmentation.mirror", RESULT), ("train.precision", RESULT),
        ("train.optimizer.milestones", RESULT), ("data.sequences", RESULT), ("data.drawn.sigma_px", RESULT),
        ("train.network.channels", ChangeKind.ARCHITECTURE), ("train.network.test_embedding", RESULT),
        ("train.save_every", HARMLESS), ("train.log_every", HARMLESS), ("train.num_workers", HARMLESS),
        ("train.keep_last", HARMLESS), ("train.nproc", ChangeKind.ROUNDING), ("train.resume", ChangeKind.COMMAND),
    ],
)  # fmt: skip
def test_kinds(key: str, kind: ChangeKind) -> None:
    assert setting_kind(key) is kind


@pytest.mark.parametrize(("old", "new", "kind"), [(10, 20, HARMLESS), (20, 10, RESULT)])
def test_iterations_may_only_grow(old: int, new: int, kind: ChangeKind) -> None:
    assert Change("train.iterations", old, new).kind is kind


def test_changes_are_found_and_refused(tmp_path: Path) -> None:
    recorded = {"train.seed": 0, "train.keep_last": 10, "train.resume": False, "train.losses.b": {"weight": 1}}
    current = {"train.seed": 1, "train.keep_last": 5, "train.resume": True, "train.new": 1, "train.losses.a": {}}
    changes = find_changes(recorded, current)
    assert changes == [
        ("train.seed", 0, 1), ("train.keep_last", 10, 5), ("train.losses.a", None, {}),
        ("train.losses.b", {"weight": 1}, None),
    ]  # fmt: skip
    with pytest.raises(SettingsError) as refused:
        refuse_changes(tmp_path, changes[:2], allow_changes=False)
    assert str(refused.value) == (
        f"{tmp_path}: found train.seed 1, expected train.seed 0, as in the run; resume with the data and settings of "
        "the run, pass --allow-changes to change the result from here on, or start another run with --run-name"
    )
    refuse_changes(tmp_path, changes[:2], allow_changes=True)
    with pytest.raises(DataError, match=r"found data\.sequences 9, expected data\.sequences 8"):
        refuse_changes(tmp_path, [Change("data.sequences", 8, 9)], allow_changes=False)
    with pytest.raises(SettingsError, match="start another run"):
        refuse_changes(tmp_path, [Change("train.network.strips", 16, 8)], allow_changes=True)


def test_recorded_changes_apply_up_to_an_iteration() -> None:
    changes = [
        {"iteration": 10, "key": "train.seed", "old": 0, "new": 1},
        {"iteration": 20, "key": "train.seed", "old": 1, "new": 2},
        {"key": "damaged"},
    ]
    assert with_changes({"train.seed": 0}, changes, 9) == {"train.seed": 0}
    assert with_changes({"train.seed": 0}, changes, 19) == {"train.seed": 1}
    assert with_changes({"train.seed": 0}, changes) == {"train.seed": 2}
    assert with_changes({"train.seed": 0}, None) == {"train.seed": 0}


def test_paths_in_the_workspace_are_relative_to_the_run(tmp_path: Path) -> None:
    paths = {"maps": tmp_path / "maps", "pairs": "/elsewhere/pairs"}
    recorded = settings_to_record(Settings.model_validate({"paths": paths}), tmp_path / "runs" / "a")
    assert (recorded["paths.maps"], recorded["paths.pairs"]) == ("../../maps", "/elsewhere/pairs")
    assert recorded["partition"] is None
