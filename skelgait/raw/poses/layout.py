"""Interface of raw pose layouts, and the sequences of a raw dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from skelgait.errors import DataError, reading
from skelgait.raw.keys import PathParts, sequence_keys
from skelgait.raw.poses.conversion import to_sequence
from skelgait.raw.poses.detections import NO_OPTIONS, Detections, ReadOptions
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key
from skelgait.storage.times import joint_time_ns

_HINT = "export the poses again, or leave this file out with --pattern"


class Layout(Protocol):
    """Raw pose layout: file format and folder structure of a dataset or a pose estimator.

    Sequences are found by `find`, which returns a location for each: the path of a file or folder, or a tuple that
    begins with it. The other methods take it.
    """

    @property
    def name(self) -> str:
        """Name in `--layout`."""
        ...

    @property
    def title(self) -> str:
        """Short description for messages."""
        ...

    def matches(self, sample: Sequence[Path]) -> bool:
        """Return True if sample files of a dataset have this layout; must be fast and never raise."""
        ...

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Any]:
        """Find all sequences.

        Args:
            root: file or folder of the raw dataset.
            pattern: glob pattern of the files to read; None: default of the layout.

        Returns:
            The location of each sequence, by the folder names of its path.

        Raises:
            DataError: if `root` cannot be read.
        """
        ...

    def files(self, location: Any) -> Sequence[Path]:
        """Return the files of a sequence.

        Raises:
            DataError: if they no longer exist.
        """
        ...

    def read(self, location: Any) -> Detections:
        """Read the people of a sequence as the file describes them.

        Raises:
            DataError: if it cannot be read; the error names the file.
        """
        ...


@dataclass(frozen=True)
class RawPoses:
    """Sequences of a raw dataset.

    Attributes:
        path: file or folder of the dataset.
        layout: layout of the dataset.
        locations: location of each sequence, sorted by key.
        options: facts that the files do not tell.
    """

    path: Path
    layout: Layout
    locations: Mapping[Key, Any]
    options: ReadOptions = NO_OPTIONS

    @property
    def keys(self) -> Sequence[Key]:
        """Keys of all sequences, sorted."""
        return list(self.locations)

    def modified_ns(self, key: Key) -> int:
        """Return a time that changes with any file of a sequence, in nanoseconds since the epoch.

        Raises:
            DataError: if a file of the sequence no longer exists.
        """
        try:
            times = [file.stat().st_mtime_ns for file in self.layout.files(self.locations[key])]
        except OSError as error:
            path, found = error.filename or self.path, error.strerror or str(error)
            raise DataError(path, found, "a readable file", "check the path, and run the command again") from error
        return joint_time_ns(times) if times else 0

    def read(self, key: Key) -> RawSequence:
        """Read a sequence, in COCO-17.

        Raises:
            DataError: if it cannot be read; the error names the file.
        """
        location = self.locations[key]
        with reading(location if isinstance(location, Path) else location[0], "poses", _HINT):
            return to_sequence(self.layout.read(location), self.options)


def find_sequences(
    root: Path,
    layout: Layout,
    names: str | None = None,
    pattern: str | None = None,
    options: ReadOptions = NO_OPTIONS,
) -> RawPoses:
    """Find the sequences of a raw dataset.

    Args:
        root: file or folder of the dataset.
        layout: layout of the dataset.
        names: template of the paths, see `skelgait.raw.keys.sequence_keys`. Default: recognize.
        pattern: glob pattern of the files to read. Default: pattern of the layout.
        options: facts that the files do not tell.

    Raises:
        DataError: if there is no sequence, or paths do not give distinct keys.
        SettingsError: if `names` does not match.
    """
    with reading(root, f"sequences in the layout {layout.name} ({layout.title})", _HINT):
        locations = layout.find(root, pattern)
    if not locations:
        found = f"no sequence in files that match {pattern}" if pattern else "no sequence"
        expected = f"sequences in the layout {layout.name} ({layout.title})"
        raise DataError(root, found, expected, "check the path, or pass another --layout")
    keys = sequence_keys(locations, root, names)
    return RawPoses(root, layout, {key: locations[parts] for key, parts in keys.items()}, options)
