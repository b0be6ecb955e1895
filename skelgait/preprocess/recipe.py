"""Recipe of a dataset: how each of its sequences is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from skelgait.storage import Key


class Loaded(NamedTuple):
    """Input of one sequence.

    Attributes:
        content: data that the sequence is made from.
        length: number of frames of the sequence.
        frame_names: names of its frames; None: unknown.
    """

    content: Any
    length: int
    frame_names: Sequence[str] | None = None


class Output(NamedTuple):
    """One finished sequence.

    Attributes:
        array: frames of the sequence.
        counts: numbers for the report, by name.
        faults: faults of the input that did not prevent the output, each with the file and a hint.
        details: other facts for the report, by name.
    """

    array: NDArray[Any]
    counts: Mapping[str, int] = {}
    faults: Sequence[str] = ()
    details: Mapping[str, Any] = {}


class Recipe(ABC):
    """Description of how the sequences of a dataset are made; it is pickled and sent to every worker."""

    @property
    @abstractmethod
    def keys(self) -> Sequence[Key]:
        """Keys of the sequences to make, sorted."""

    @abstractmethod
    def modified_ns(self, key: Key) -> int:
        """Return the time at which the input of a sequence was last written, in nanoseconds since the epoch.

        Raises:
            DataError: if the input no longer exists.
        """

    @abstractmethod
    def read(self, key: Key) -> Loaded:
        """Read the input of a sequence.

        Raises:
            DataError: if the sequence cannot be made.
        """

    @abstractmethod
    def make(self, loaded: Loaded) -> Output:
        """Make a sequence.

        Raises:
            DataError: if the sequence cannot be made.
        """

    def mismatches(self, existing: Collection[Key], loaded: Mapping[Key, Loaded]) -> dict[Key, str]:
        """Return sequences that cannot be written together with the others of their chunk, with the reason.

        Args:
            existing: sequences of the chunk that are already written.
            loaded: sequences that are about to be made.
        """
        return {}
