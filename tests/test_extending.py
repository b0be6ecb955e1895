"""Programs of the page "Extending skelgait": they run, and the names that they register are accepted everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skelgait import Embeddings, collect_poses, distance_matrix, open_raw, open_source, score
from skelgait.datasets import Group, Protocol, Table
from skelgait.losses import LOSSES
from skelgait.losses.gait import LossReport
from skelgait.matching.metrics import METRICS
from skelgait.matching.registry import DISTANCES
from skelgait.models import NETWORKS
from skelgait.models.network import NetworkOutput
from skelgait.preprocess.maps import draw_dataset
from skelgait.raw.poses import LAYOUTS
from skelgait.reports.tables import to_markdown
from skelgait.settings import load_settings
from skelgait.settings.schema import HeatmapSettings, PosesSettings
from skelgait.storage import BACKENDS, Key
from tests.paths import GUIDE
from tests.raw.poses.dataset_builders import upright
from tests.synthetic_data import write_dataset

PAGE = (GUIDE / "extending.md").read_text(encoding="utf-8")
REGISTRIES: tuple[dict[str, Any], ...] = (NETWORKS, LOSSES, DISTANCES, METRICS, BACKENDS, LAYOUTS)


@pytest.fixture(autouse=True)
def _restore_registries() -> Iterator[None]:
    before = [dict(registry) for registry in REGISTRIES]
    yield
    for registry, names in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(names)


def run_section(title: str) -> dict[str, Any]:
    """Run the programs of a section and return their names."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, title
    programs = re.findall(r"```python\n(.*?)```", section[1], re.DOTALL)
    assert programs, title
    # Dataclasses look up the module of a class.
    names: dict[str, Any] = {"__name__": __name__}
    for program in programs:
        exec(compile(program, "extending.md", "exec", dont_inherit=True), names)
    return names


def embeddings_of(*keys: str) -> Embeddings:
    rows = [Key(*key.split("/")) for key in keys]
    return Embeddings(rows, torch.randn(len(rows), 4, 2, generator=torch.Generator().manual_seed(0)))


WALKS = [f"{who}/{how}/{view}" for who in "ab" for how in ("normal-01", "normal-02", "bag-01") for view in "lr"]


def test_network_is_built_and_selected() -> None:
    names = run_section("Network")
    output = names["network"](torch.rand(3, 2, 64, 44), [1, 2])
    assert output.logits.shape == (2, 10, 16)
    settings = load_settings(flags={"train.network.name": "large_kernel"}).settings
    assert settings.train.network.name == "large_kernel"


def test_loss_is_computed_and_selected() -> None:
    names = run_section("Loss")
    embedding = torch.randn(4, 8, 2, requires_grad=True)
    report: LossReport = names["loss"](
        NetworkOutput(embedding, embedding, torch.randn(4, 3, 2)), torch.tensor([0, 0, 1, 1])
    )
    assert {"length/loss", "length/mean_length", "triplet/loss"} <= set(report.terms)
    report.total.backward()
    assert embedding.grad is not None
    settings = load_settings(flags={"train.losses.length": {"weight": 0.01, "largest": 2.0}}).settings
    assert settings.train.losses.model_dump()["length"] == {"weight": 0.01, "largest": 2.0}


def test_distance_is_computed_and_selected() -> None:
    names = run_section("Distance")
    assert names["distances"].shape == (3, 5)
    x = torch.tensor([[[0.0, 0.0]]])
    assert distance_matrix(x, x + torch.tensor([1.0, 3.0]), "worst_strip").item() == 3
    assert load_settings(flags={"evaluate.distance": "worst_strip"}).settings.evaluate.distance


def test_metric_is_computed_and_printed() -> None:
    run_section("Metric")
    table = Table("All", "pooled", (Group("All", ("*-02",), ("*-01",)),), ("rank_1", "mean_rank"))
    report = score(embeddings_of(*WALKS), Protocol("p", (table,)), bootstrap_samples=0)
    mean_rank = report.tables[0].groups[0].metrics["mean_rank"]
    assert mean_rank is not None
    assert mean_rank >= 1
    text = to_markdown(report.to_dict())
    assert "mean rank" in text
    assert f"{mean_rank:.2f}" in text


def test_storage_format_is_written_and_read(tmp_path: Path) -> None:
    run_section("Storage format")
    write_dataset(tmp_path, people=2)
    poses = open_source(tmp_path / "poses", "pose")
    draw_dataset(poses, tmp_path / "maps", HeatmapSettings(storage="npy", workers=1))
    draw_dataset(poses, tmp_path / "tree", HeatmapSettings(workers=1))
    source, tree = open_source(tmp_path / "maps", "map"), open_source(tmp_path / "tree", "map")
    assert list(source.keys) == list(tree.keys)
    for key in source.keys:
        np.testing.assert_array_equal(source.read(key)[0], tree.read(key)[0])


def test_pose_layout_is_recognized(tmp_path: Path) -> None:
    run_section("Pose layout")
    folder = tmp_path / "raw" / "anna" / "normal"
    folder.mkdir(parents=True)
    frames = upright(np.random.default_rng(0), 5).reshape(5, 51)
    np.savetxt(folder / "left.poses", frames)
    raw = open_raw(tmp_path / "raw")
    assert raw.layout.name == "text"
    collect_poses(raw, tmp_path / "poses", PosesSettings(workers=1))
    (poses,) = open_source(tmp_path / "poses", "pose").read(Key("anna", "normal", "left"))
    np.testing.assert_allclose(poses, frames.reshape(5, 17, 3), rtol=1e-6)


def test_protocol_of_a_dataset_is_applied() -> None:
    protocol = run_section("Dataset")["protocol"]
    report = score(embeddings_of(*WALKS), protocol, bootstrap_samples=0)
    assert [group.name for group in report.tables[0].groups] == ["Normal", "Bag"]


def test_table_of_places_names_existing_files() -> None:
    for path in re.findall(r"`(skelgait/[\w/]+\.py)`", PAGE.split("## Network")[0]):
        assert (GUIDE.parents[1] / path).is_file(), path
