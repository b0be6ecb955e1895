"""Options that all functions share that compare embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skelgait.errors import SettingsError
from skelgait.matching.registry import check_distance

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Reranking:
    """Parameters of re-ranking by k-reciprocal neighbors (Zhong et al., CVPR 2017).

    Attributes:
        k1: number of nearest sequences that can be reciprocal neighbors, at least 1; default: 20 (section 3.2).
        k2: number of nearest sequences, including the sequence itself, over which weights are averaged, at least 1;
            default: 6; 1: no averaging (section 3.4).
        weight: weight of the original distance in the final one, in [0, 1]; default: 0.3; lambda in the paper
            (section 3.5).

    Raises:
        SettingsError: if a value is out of range.
    """

    k1: int = 20
    k2: int = 6
    weight: float = 0.3

    def __post_init__(self) -> None:
        for name, k in (("k1", self.k1), ("k2", self.k2)):
            if k < 1:
                raise SettingsError(name, str(k), "at least 1", "use a larger number")
        if not 0 <= self.weight <= 1:
            raise SettingsError("weight", str(self.weight), "a number from 0 to 1", "use a number in this range")


@dataclass(frozen=True)
class MatchingOptions:
    """Options of comparing embeddings.

    Attributes:
        distance: name of the distance, see `skelgait.matching.registry.DISTANCES`; default: euclidean.
        device: device that computes distances; default: the CPU.
        memory_mb: memory for one block of distances, in MiB; default: 512. A block has at least one row. The embeddings
            of 512 gallery entries come on top.
        reranking: parameters of re-ranking; None: no re-ranking.

    Raises:
        SettingsError: if there is no such distance.
    """

    distance: str = "euclidean"
    device: torch.device | None = None
    memory_mb: float = 512
    reranking: Reranking | None = None

    def __post_init__(self) -> None:
        check_distance(self.distance)
