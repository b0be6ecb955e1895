"""Interface between sequences on disk and the code that uses them: keys, lengths, and arrays of chosen frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Modality = Literal["pose", "map", "silhouette"]

FrameChoice = Callable[[int], NDArray[np.int64]]
"""Function from the number of frames in a sequence to the indices of the frames to read, in the order to read them."""


class Key(NamedTuple):
    """One walk of one person: identity, condition and view, spelled as the folders are."""

    identity: str
    condition: str
    view: str

    def __str__(self) -> str:
        return "/".join(self)


class SequenceSource(ABC):
    """Sequences that are read by key: a pickle tree, an HDF5 store, linked pairs, or maps drawn from poses.

    A source is pickled and sent to worker processes. It must not hold open files in its pickled state.

    Attributes:
        path: folder or file of the sequences.
        keys: keys of all sequences, sorted.
        modalities: kinds of the arrays that `read` returns, in the same order.
        title: short description for messages, with its article.
    """

    path: Path
    keys: Sequence[Key]
    modalities: tuple[Modality, ...]
    title: str = "a store"

    @abstractmethod
    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """Read a sequence, one array for each modality.

        Poses are (T, V, 3) or (T, 51 or 53) float, maps (T, 2, H, W) uint8, silhouettes (T, H, W) uint8.
        All modalities of a sequence have the same T.

        Args:
            key: sequence to read.
            choose: choice of frames, called once; None: all frames.

        Raises:
            DataError: if the sequence cannot be read, or its modalities differ in T. The error names the file.
        """

    @abstractmethod
    def header(self, key: Key) -> NDArray[Any]:
        """Return an array with the shape and type of a sequence's first modality; its values are undefined.

        Raises:
            DataError: if the sequence cannot be read. The error names the file.
        """

    @abstractmethod
    def modified_ns(self, key: Key) -> int:
        """Return a time that changes with the files of a sequence, in nanoseconds since the epoch.

        Raises:
            DataError: if the file no longer exists.
        """

    def length(self, key: Key) -> int:
        """Return the number of frames of a sequence; does not read the frames if the storage allows it.

        Raises:
            DataError: if the sequence cannot be read. The error names the file.
        """
        return len(self.header(key))

    def frame_names(self, key: Key) -> list[str] | None:
        """Return the original names of a sequence's frames, in order; None if they are unknown.

        Raises:
            DataError: if the names cannot be read, or their number differs from the number of frames.
        """
        return None

    def verify(self, key: Key) -> bool:
        """Read a sequence, and compare it with its checksums.

        Returns:
            False if the sequence has no checksums.

        Raises:
            DataError: if it is damaged. The error names the file.
        """
        self.read(key)
        return False

    def name(self, key: Key) -> str:
        """Return the file name that a sequence has, or would have, in a pickle tree, without its suffix."""
        return key.view

    @property
    def metadata_folder(self) -> Path:
        """Folder whose `skelgait.json` describes the first modality."""
        return self.path
