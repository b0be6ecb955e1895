"""The seam between data on disk and everything that uses it: keys, lengths, and arrays of chosen frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Modality = Literal["pose", "map", "silhouette"]

FrameChoice = Callable[[int], NDArray[np.int64]]
"""From the number of frames in a sequence to the indices of the frames wanted, in the order wanted."""


class Key(NamedTuple):
    """One walk of one person: identity, condition and view, as the folders spell them."""

    identity: str
    condition: str
    view: str

    def __str__(self) -> str:
        return "/".join(self)


class SequenceSource(Protocol):
    """Sequences that can be read by key: a pickle tree, an HDF5 store, or linked pairs."""

    @property
    def path(self) -> Path:
        """Where the sequences lie."""
        ...

    @property
    def keys(self) -> Sequence[Key]:
        """Every sequence, sorted."""
        ...

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What `read` returns, in this order."""
        ...

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """One array a modality, of the frames that `choose` picks (all where None).

        Poses are (T, V, 3) or (T, 51 or 53) float, maps (T, 2, H, W) uint8, silhouettes (T, H, W) uint8.
        All modalities of a sequence have the same T.

        Raises:
            DataError: the sequence cannot be read, or its modalities differ in T; names the file.
        """
        ...

    def length(self, key: Key) -> int:
        """Frames of a sequence, without reading them where the storage allows it.

        Raises:
            DataError: the sequence cannot be read; names the file.
        """
        ...

    def header(self, key: Key) -> NDArray[Any]:
        """An array of the shape and type of a sequence's first modality; its values mean nothing.

        Raises:
            DataError: the sequence cannot be read; names the file.
        """
        ...

    def frame_names(self, key: Key) -> list[str] | None:
        """The names that the frames of a sequence had where they come from, in order; None where they are not known.

        Raises:
            DataError: they cannot be read, or are not as many as the frames.
        """
        ...

    def modified_ns(self, key: Key) -> int:
        """When a sequence was last written, in nanoseconds since the epoch.

        Raises:
            DataError: its file is gone.
        """
        ...

    def name(self, key: Key) -> str:
        """The name that the file of a sequence has, or would have, in a pickle tree, without the ending."""
        ...
