"""Batch norm neck (BNNeck) between the embedding and the classifier."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn

from skelgait.models.strips import strip_weights


class BNNeck(nn.Module):
    """Batch norm, then a cosine classifier for each strip.

    After Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person Re-identification", CVPRW 2019.

    Attributes:
        class_weight: (S, D, classes), used with unit length over D.
        norm: batch norm over all D * S features.
    """

    def __init__(self, strips: int, width: int, classes: int) -> None:
        super().__init__()
        self.class_weight = strip_weights(strips, width, classes)
        self.norm = nn.BatchNorm1d(width * strips)

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Return the neck embedding and the logits.

        Args:
            embedding: (N, D, S).

        Returns:
            (N, D, S) with unit length in each strip, and (N, classes, S) cosines in [-1, 1].
        """
        neck_embedding = F.normalize(self.norm(embedding.flatten(1)).view(embedding.shape), dim=1)
        logits = torch.bmm(neck_embedding.permute(2, 0, 1), self.class_weight)
        # Divide the logits, not the class weights, by the lengths: with many classes this is far less work.
        logits = logits / self.class_weight.norm(dim=1, keepdim=True).clamp(min=1e-12)
        return neck_embedding, logits.permute(1, 2, 0)
