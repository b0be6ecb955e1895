"""OpenGait names, and the way there and back."""

from __future__ import annotations

import pytest

from skelgait import models
from skelgait.opengait.weights import from_opengait, to_opengait

WIDTHS = {"channels": (16, 16, 16, 16), "blocks": (2, 2, 1, 1), "classes": 3, "embedding_width": 4}


def test_nothing() -> None:
    assert to_opengait({}) == from_opengait({}) == {}


@pytest.mark.parametrize("name", models.NETWORKS)
def test_there_and_back(name: str) -> None:
    ours = models.build_network(name, **WIDTHS).state_dict()
    theirs = to_opengait(ours)
    assert len(theirs) == len(ours)
    back = from_opengait(theirs)
    assert list(back) == list(ours)
    assert all(back[name] is value for name, value in ours.items())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("front.layer0.0.weight", "layer0.forward_block.0.weight"),
        ("front.layer1.1.norm2.running_var", "layer1.forward_block.1.bn2.running_var"),
        ("front.map_layer0.1.bias", "map_layer0.forward_block.1.bias"),
        ("front.silhouette_layer1.0.conv1.weight", "sil_layer1.forward_block.0.conv1.weight"),
        ("front.fusion.norm2.weight", "fusion.conv.forward_block.4.weight"),
        ("layer2.0.spatial1.0.weight", "layer2.0.conv1.forward_block.0.weight"),
        ("layer3.1.temporal_conv.weight", "layer3.1.shortcut3d.weight"),
        ("layer3.1.temporal_norm.num_batches_tracked", "layer3.1.sbn.num_batches_tracked"),
        ("layer4.0.shortcut.1.running_mean", "layer4.0.downsample.1.running_mean"),
        ("part_linear.weight", "FCs.fc_bin"),
        ("neck.class_weight", "BNNecks.fc_bin"),
        ("neck.norm.weight", "BNNecks.bn1d.weight"),
    ],
)
def test_names(ours: str, theirs: str) -> None:
    assert to_opengait({ours: 1}) == {theirs: 1}
    assert from_opengait({theirs: 1}) == {ours: 1}
