"""Translation of weight names between skelgait and OpenGait."""

from __future__ import annotations

import pytest

from skelgait import models
from skelgait.opengait.weights import from_opengait, to_opengait

WIDTHS = {"channels": (16, 16, 16, 16), "blocks": (2, 2, 1, 1), "classes": 3, "embedding_width": 4}


def test_empty_state_dict_stays_empty() -> None:
    assert to_opengait({}) == from_opengait({}) == {}


@pytest.mark.parametrize("name", models.NETWORKS)
def test_names_are_translated_to_opengait_and_back(name: str) -> None:
    weights = models.build_network(name, **WIDTHS).state_dict()
    translated = to_opengait(weights)
    assert len(translated) == len(weights)
    restored = from_opengait(translated)
    assert list(restored) == list(weights)
    assert all(restored[name] is value for name, value in weights.items())


@pytest.mark.parametrize(
    ("skelgait", "opengait"),
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
def test_each_part_of_a_name_is_translated(skelgait: str, opengait: str) -> None:
    assert to_opengait({skelgait: 1}) == {opengait: 1}
    assert from_opengait({opengait: 1}) == {skelgait: 1}
