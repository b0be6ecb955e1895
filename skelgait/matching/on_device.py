"""Distances between embeddings on a device of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from skelgait.errors import ShapeError
from skelgait.matching.distances import check_norms, tiles
from skelgait.matching.registry import DistanceFunction

if TYPE_CHECKING:
    from skelgait.matching.registry import Floats


class DeviceComparison:
    """Comparison of probes (P, S, D) with gallery entries on a device, by differences of single numbers.

    Args:
        probes: embeddings (P, S, D).
        tile_rows: probes compared at a time.
        device: device that computes.
        squared: True: mean over strips of the squared Euclidean distances; False: of the distances.
    """

    def __init__(self, probes: Floats, tile_rows: int, device: torch.device, *, squared: bool) -> None:
        self._squared, self._tile_rows, self._device = squared, tile_rows, device
        self._tiles = [torch.tensor(tile, device=device) for tile in tiles(probes, tile_rows)]

    def write(self, gallery: Floats, out: Floats) -> None:
        """Write the means over strips for gallery entries (G, S, D) into `out` (P, G)."""
        entries = torch.tensor(gallery, device=self._device)
        for tile, rows in zip(self._tiles, tiles(out, self._tile_rows), strict=True):
            rows[:] = mean_distances_on_device(tile, entries, squared=self._squared).cpu().numpy()


def mean_distances_on_device(probes: Tensor, gallery: Tensor, *, squared: bool) -> Tensor:
    """Return the mean over strips of the distances (P, G) of probes (P, S, D) to gallery entries (G, S, D)."""
    distances = torch.cdist(
        probes.transpose(0, 1), gallery.transpose(0, 1), compute_mode="donot_use_mm_for_euclid_dist"
    )
    return (distances.square_() if squared else distances).mean(0)


class FunctionDistance:
    """Distance defined by a function of tensors, see `skelgait.matching.registry.register_distance`.

    Args:
        name: name of the distance, for errors.
        function: function of probes (P, D, S) and gallery entries (G, D, S) that returns distances (P, G).
        tile_rows: probes compared at a time.
        device: device that computes; default: the CPU.
    """

    def __init__(self, name: str, function: DistanceFunction, tile_rows: int, device: torch.device | None) -> None:
        self._name = name
        self._function = function
        self._tile_rows = tile_rows
        self._device = device or torch.device("cpu")

    def begin(self, probes: Floats) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        check_norms(probes)
        self._probes = self._to_device(probes)

    def write(self, gallery: Floats, out: Floats) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G).

        Raises:
            ShapeError: if the function returns another shape.
        """
        check_norms(gallery)
        entries = self._to_device(gallery)
        for top in range(0, len(self._probes), self._tile_rows):
            rows = slice(top, top + self._tile_rows)
            distances = self._function(self._probes[rows], entries)
            if distances.shape != out[rows].shape:
                found, expected = tuple(distances.shape), tuple(out[rows].shape)
                hint = "return one distance for each probe (rows) and gallery entry (columns)"
                raise ShapeError(f"distance {self._name}", f"shape {found}", f"{expected}", hint)
            out[rows] = distances.detach().cpu().numpy()

    def _to_device(self, vectors: Floats) -> Tensor:
        """Return vectors (n, S, D) as a tensor (n, D, S) on the device."""
        return torch.tensor(vectors, device=self._device).transpose(1, 2)
