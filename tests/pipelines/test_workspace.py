"""Partition, protocol, run folder and test embedding from settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.datasets import find_dataset
from skelgait.errors import SettingsError
from skelgait.pipelines import workspace
from skelgait.settings import Settings, protocol_to_yaml

PATTERNS = {"gallery": ("nm-01",), "probes": {"Bag": ("bg-*",)}}


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"dataset": "CCPG"}, "CCPG"),
        ({"dataset": "CCPG", "evaluate": {"protocol": "gait3d"}}, "Gait3D"),
        ({"evaluate": {"protocol": "custom", **PATTERNS}}, "custom"),
        ({"evaluate": PATTERNS}, "custom"),  # implied
        ({"dataset": "CCPG", "evaluate": PATTERNS}, "custom"),
        ({"evaluate": {"protocol": "CCPG", **PATTERNS}}, "CCPG"),
    ],
)
def test_protocol_follows_from_settings(given: dict[str, object], name: str) -> None:
    assert workspace.protocol_of(settings(**given)).name == name


def test_protocol_file_sets_the_protocol_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("CCPG.YML").write_text(protocol_to_yaml(find_dataset("GREW").protocol))
    for more in ({}, PATTERNS):  # patterns are ignored
        assert (
            workspace.protocol_of(settings(evaluate={"protocol": "CCPG.YML", **more})) == find_dataset("GREW").protocol
        )
    file = {"protocol": "CCPG.YML"}
    assert workspace.partition_of(settings(dataset="CCPG", evaluate=file)) == find_dataset("CCPG").partition()
    assert workspace.run_folder(settings(evaluate=file)) == Path("runs/skeletongait")
    assert workspace.test_embedding_of(settings(evaluate=file), "skeletongait") == 1
    with pytest.raises(SettingsError, match="--partition: found nothing"):
        workspace.partition_of(settings(evaluate=file))


def test_protocol_of_a_dataset_implies_its_partition() -> None:
    protocol = {"protocol": "SUSTech1K"}
    assert workspace.partition_of(settings(evaluate=protocol)) == find_dataset("SUSTech1K").partition()
    assert workspace.partition_of(settings(dataset="CCPG", evaluate=protocol)) == find_dataset("CCPG").partition()
    with pytest.raises(SettingsError, match="--partition: found nothing"):
        workspace.partition_of(settings(evaluate=PATTERNS))


@pytest.mark.parametrize(
    ("given", "existing", "folder"),
    [
        ({}, (), "skeletongait"),
        ({"dataset": "CCPG"}, ("skeletongait",), "CCPG_skeletongait"),
        ({"evaluate": {"protocol": "CCPG"}}, (), "CCPG_skeletongait"),
        ({"evaluate": {"protocol": "CCPG"}}, ("skeletongait", "CCPG_skeletongait"), "skeletongait"),
        ({"evaluate": {"protocol": "CCPG"}, "train": {"run_name": "mine"}}, (), "mine"),
        ({"evaluate": PATTERNS}, ("CCPG_skeletongait",), "skeletongait"),
    ],
)
def test_run_folder_follows_from_settings(
    tmp_path: Path, given: dict[str, object], existing: tuple[str, ...], folder: str
) -> None:
    for name in existing:
        (tmp_path / name).mkdir()
    assert workspace.run_folder(settings(paths={"runs": tmp_path}, **given)) == tmp_path / folder


@pytest.mark.parametrize(
    ("given", "network", "embedding"),
    [
        ({}, "skeletongait", 1),
        ({"train": {"network": {"test_embedding": 2}}}, "skeletongait", 2),
        ({"dataset": "CCPG", "train": {"network": {"test_embedding": 2}}}, "skeletongait", 2),  # from the preset
        (
            {"dataset": "CCPG", "train": {"network": {"test_embedding": 2}}},
            "skeletongait++",
            1,
        ),  # its preset
        ({"evaluate": {"protocol": "CCPG"}}, "skeletongait", 2),  # dataset of the protocol
    ],
)
def test_test_embedding_follows_from_settings_or_preset(given: dict[str, object], network: str, embedding: int) -> None:
    assert workspace.test_embedding_of(settings(**given), network) == embedding
