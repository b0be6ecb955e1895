"""Registry of distances by name, without torch, so that settings can check names cheaply.

>>> import torch
>>> from skelgait import distance_matrix
>>> @register_distance("largest")
... def largest(probes, gallery):
...     return (probes[:, None] - gallery).abs().amax((2, 3))
>>> distance_matrix(torch.zeros(1, 2, 1), torch.tensor([[[3.0], [-4.0]]]), "largest")
array([[4.]], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from skelgait.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float32]

DistanceFunction = Callable[["Tensor", "Tensor"], "Tensor"]
"""Function of probes (P, D, S) and gallery entries (G, D, S) that returns their distances (P, G), smaller is closer."""


class TiledDistance(Protocol):
    """Distance that compares a block of probes with one tile of gallery entries after the other."""

    def begin(self, probes: Floats) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        ...

    def write(self, gallery: Floats, out: Floats) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G)."""
        ...


def _euclidean(tile_rows: int, device: torch.device | None) -> TiledDistance:
    from skelgait.matching.distances import Euclidean

    return Euclidean(tile_rows, device)


def _cosine(tile_rows: int, device: torch.device | None) -> TiledDistance:
    from skelgait.matching.distances import Cosine

    return Cosine(tile_rows, device)


DISTANCES: dict[str, Callable[[int, torch.device | None], TiledDistance]] = {"euclidean": _euclidean, "cosine": _cosine}
"""Constructors of distances by name; they take the number of probes compared at a time, and the device.

`euclidean`: mean over strips of the Euclidean distance. `cosine`: 1 minus the mean over strips of the cosine.
"""
_BUILT_IN = frozenset(DISTANCES)


def register_distance(name: str) -> Callable[[DistanceFunction], DistanceFunction]:
    """Return a decorator that registers a function as a distance.

    Settings, `distance_matrix`, `score` and all other functions then accept the name. The function gets float32 tensors
    of at most 256 probes and 512 gallery entries.

    Args:
        name: name of the distance; an earlier function of that name is replaced.

    Raises:
        SettingsError: if the name is that of a built-in distance.
    """
    if name in _BUILT_IN:
        raise SettingsError("distance", f"{name}, a built-in distance", "a new name", "choose another name")

    def register(function: DistanceFunction) -> DistanceFunction:
        def tiled(tile_rows: int, device: torch.device | None) -> TiledDistance:
            from skelgait.matching.on_device import FunctionDistance

            return FunctionDistance(name, function, tile_rows, device)

        DISTANCES[name] = tiled
        return function

    return register


def check_distance(name: str) -> None:
    """Check that a distance is registered.

    Raises:
        SettingsError: if it is not.
    """
    if name not in DISTANCES:
        raise SettingsError("distance", str(name), f"one of {', '.join(DISTANCES)}", "use one of these names")
