"""What a raw pose layout is: how it is recognized, where its sequences are, and what is in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.raw.keys import PathParts, sequence_keys
from skelgait.storage import Key


class RawSequence(NamedTuple):
    """The people in the frames of a sequence, as an estimator found them.

    Attributes:
        people: for each frame, in the order of time, (M, V, 3): x px, y px, confidence of the M people in it, of which
            there may be none.
        frame_names: a name for each frame, where they have any.
        tracks: for each frame a number for each of its people, the same one for the same person, where the estimator
            tells.
    """

    people: Sequence[NDArray[Any]]
    frame_names: Sequence[str] | None = None
    tracks: Sequence[Sequence[int]] | None = None


class Layout(Protocol):
    """A form that poses come in."""

    @property
    def name(self) -> str:
        """What `--layout` calls it."""
        ...

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        ...

    def matches(self, sample: Sequence[Path]) -> bool:
        """Whether some of a dataset's files look like it; quick, and never an error."""
        ...

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Any]:
        """The sequences in `root`: where each lies, by the names of the folders on the way to it.

        Args:
            root: a file or folder.
            pattern: of the files to look at; the layout's own where None.

        Raises:
            DataError: the root cannot be read.
        """
        ...

    def files(self, place: Any) -> Sequence[Path]:
        """The files that a sequence is read from.

        Raises:
            DataError: they are gone.
        """
        ...

    def read(self, place: Any) -> RawSequence:
        """Read a sequence.

        Raises:
            DataError: it cannot be read; names the file.
        """
        ...


@dataclass(frozen=True)
class RawPoses:
    """The sequences of a raw dataset.

    Attributes:
        path: its file or folder.
        layout: the form that it is in.
        locations: where each sequence lies, by key, sorted.
    """

    path: Path
    layout: Layout
    locations: Mapping[Key, Any]

    @property
    def keys(self) -> Sequence[Key]:
        """Every sequence, sorted."""
        return list(self.locations)

    def modified_ns(self, key: Key) -> int:
        """When a sequence was last written, in nanoseconds since the epoch.

        Raises:
            DataError: a file of it is gone.
        """
        try:
            return max((file.stat().st_mtime_ns for file in self.layout.files(self.locations[key])), default=0)
        except OSError as error:
            raise DataError(
                error.filename or self.path, error.strerror or str(error), "a file that can be read", "try again"
            ) from error

    def read(self, key: Key) -> RawSequence:
        """Read a sequence.

        Raises:
            DataError: it cannot be read; names the file.
        """
        return self.layout.read(self.locations[key])


def find_sequences(root: Path, layout: Layout, names: str | None = None, pattern: str | None = None) -> RawPoses:
    """The sequences of a raw dataset.

    Args:
        root: its file or folder.
        layout: the form that it is in.
        names: how its paths are named, see `skelgait.raw.keys.sequence_keys`.
        pattern: of the files to look at; the layout's own where None.

    Raises:
        DataError: there is no sequence, or the paths do not tell which is which.
        SettingsError: `names` does not fit.
    """
    places = layout.find(root, pattern)
    if not places:
        expected = f"sequences in the layout {layout.name} ({layout.title})"
        hint = "check the path, or name another --layout"
        raise DataError(root, f"no file that fits {pattern}" if pattern else "none", expected, hint)
    keys = sequence_keys(places, root, names)
    return RawPoses(root, layout, {key: places[parts] for key, parts in keys.items()})
