"""Loss that a program adds to the registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from skelgait.errors import SettingsError
from skelgait.settings import load_settings
from skelgait.settings.training import LossSettings, TrainSettings
from skelgait.storage import open_source
from skelgait.training import train
from tests.losses.test_gait_loss import norm_loss  # noqa: F401
from tests.synthetic_data import write_random_maps
from tests.training.test_train import CPU, SMALL


@pytest.mark.usefixtures("norm_loss")
def test_registered_loss_is_trained_and_logged(tmp_path: Path) -> None:
    write_random_maps(tmp_path / "maps")
    source = open_source(tmp_path / "maps", "map")
    flags = {"train.losses.norm.weight": 0.5, "train.losses.norm.factor": 3.0}
    losses = load_settings(flags=flags, environ={}, default_file=None).settings.train.losses
    settings = TrainSettings.model_validate({**SMALL, "iterations": 2, "losses": losses.model_dump()})
    train(source, {"000", "001", "002"}, tmp_path / "run", settings, CPU)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(line["norm/loss"] == pytest.approx(3 * line["norm/length"], abs=1e-5) for line in lines)
    assert "norm:" in (tmp_path / "run" / "settings.yaml").read_text()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"margin": 0.3}, "margin: no such loss; should be triplet or cross_entropy"),
        ({"norm": 0.3}, "norm: should be a section with a weight of 0 or more"),
        ({"norm": {"weight": -1}}, "norm: should be a section with a weight of 0 or more"),
        ({"triplet": {"margn": 0.3}}, "margn"),
    ],
)
@pytest.mark.usefixtures("norm_loss")
def test_invalid_section_is_refused(section: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LossSettings.model_validate(section)


def test_unknown_loss_is_refused_with_its_origin() -> None:
    with pytest.raises(SettingsError, match=r"flag: train\.losses: margin: no such loss"):
        load_settings(flags={"train.losses.margin": 0.3}, environ={}, default_file=None)
