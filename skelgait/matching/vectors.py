"""Check that embeddings are arrays (N, D, S)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import ShapeError

_EXPECTED = "embeddings (N, D, S): N sequences, D numbers in each of S strips"


def check_vectors(values: Any, where: str) -> None:
    """Check the rank of embeddings, and that no value is masked.

    Args:
        values: embeddings.
        where: name of the embeddings, for the error.

    Raises:
        ShapeError: if they are not an array (N, D, S), or are masked.
    """
    shape = getattr(values, "shape", None)
    if isinstance(values, np.ma.MaskedArray):
        raise ShapeError(where, "a masked array", _EXPECTED, "leave out sequences without an embedding")
    if shape is None:
        raise ShapeError(where, f"a {type(values).__name__}", _EXPECTED, "convert it with numpy.asarray")
    if len(shape) != 3:
        hint = "write one strip as embeddings[:, :, None]" if len(shape) == 2 else "pass the embeddings of the network"
        raise ShapeError(where, f"an array {tuple(shape)}", _EXPECTED, hint)


def as_floats(values: Any) -> NDArray[np.float32]:
    """Return an array, a tensor or nested lists as a float32 array; a tensor is detached and copied from its device.

    Raises:
        TypeError: if there is something else than numbers.
        ValueError: if lists have different lengths.
    """
    if hasattr(values, "detach"):  # a tensor, without importing torch
        values = values.detach().cpu().float()
    return np.asarray(values, np.float32)
