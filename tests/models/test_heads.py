"""Strips, neck and fusion, compared with plain loops."""

from __future__ import annotations

import pytest
import torch

from skelgait.models.fusion import AttentionFusion
from skelgait.models.neck import BNNeck
from skelgait.models.strips import PartLinear, horizontal_pyramid_pooling
from tests.models.plain import PlainFusion


@pytest.mark.parametrize("strips", [1, 2, 4, 8])
def test_horizontal_pyramid_pooling_equals_loops(strips: int) -> None:
    features = torch.randn(3, 5, 8, 6, dtype=torch.float64)
    pooled = horizontal_pyramid_pooling(features, strips)
    assert pooled.shape == (3, 5, strips)
    rows = 8 // strips
    for n in range(3):
        for c in range(5):
            for s in range(strips):
                strip = features[n, c, s * rows : (s + 1) * rows].flatten().tolist()
                assert pooled[n, c, s].item() == pytest.approx(sum(strip) / len(strip) + max(strip))


def test_part_linear_equals_matrix_products() -> None:
    linear = PartLinear(4, 5, 3).double()
    features = torch.randn(2, 5, 4, dtype=torch.float64)
    out = linear(features)
    for s in range(4):
        for n in range(2):
            torch.testing.assert_close(out[n, :, s], features[n, :, s] @ linear.weight[s])


def test_neck_in_eval_mode_equals_loops() -> None:
    neck = BNNeck(strips=4, width=3, classes=6).double().eval()
    neck.norm.running_mean.normal_()
    neck.norm.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(neck.norm.weight)
    embedding = torch.randn(2, 3, 4, dtype=torch.float64)
    neck_embedding, logits = neck(embedding)
    scale = neck.norm.weight / (neck.norm.running_var + neck.norm.eps).sqrt()
    for n in range(2):
        for s in range(4):
            indices = [d * 4 + s for d in range(3)]
            normalized = (embedding[n, :, s] - neck.norm.running_mean[indices]) * scale[indices] + neck.norm.bias[
                indices
            ]
            unit = normalized / normalized.norm()
            torch.testing.assert_close(neck_embedding[n, :, s], unit)
            for k in range(6):
                weights = neck.class_weight[s, :, k]
                torch.testing.assert_close(logits[n, k, s], unit @ weights / weights.norm())


def test_logits_do_not_depend_on_the_length_of_class_weights() -> None:
    neck = BNNeck(strips=2, width=3, classes=4).eval()
    embedding = torch.randn(2, 3, 2)
    before = neck(embedding)[1]
    with torch.no_grad():
        neck.class_weight *= torch.tensor([0.01, 1.0, 3.0, 100.0])
    torch.testing.assert_close(neck(embedding)[1], before)


@pytest.mark.parametrize("channels", [16, 32])
def test_fusion_equals_plain_layers_and_is_between_its_inputs(channels: int) -> None:
    fusion = AttentionFusion(channels).double()
    plain = PlainFusion(channels).double()
    plain.load_state_dict(dict(zip(plain.state_dict(), fusion.state_dict().values(), strict=True)))
    silhouette, maps = torch.randn(2, 6, channels, 8, 6, dtype=torch.float64)
    fused = fusion(
        silhouette.contiguous(memory_format=torch.channels_last), maps.contiguous(memory_format=torch.channels_last)
    )
    clips = (features.transpose(0, 1)[None] for features in (silhouette, maps))
    torch.testing.assert_close(fused, plain(*clips)[0].transpose(0, 1))
    low, high = torch.minimum(silhouette, maps), torch.maximum(silhouette, maps)
    assert ((low <= fused) & (fused <= high)).all()
