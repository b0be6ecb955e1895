"""Layouts in which each file is one sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skelgait.errors import DataError
from skelgait.raw.file_tree import Folder
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.detections import Detections
from skelgait.raw.poses.sequence_files import find_in_files, is_empty

# Files that are looked at to recognize the layout.
_SAMPLED_FILES = 20


@dataclass(frozen=True)
class FileLayout:
    """Layout with one file per sequence, which takes the name of the file.

    Attributes:
        name: name in `--layout`.
        title: short description for messages.
        pattern: glob pattern of the files.
        read_file: function that reads a file; raises DataError for other content.
        recognizes: function that tells from the beginning of a file if it has this format; may raise DataError.
    """

    name: str
    title: str
    pattern: str
    read_file: Callable[[Path], Detections]
    recognizes: Callable[[Path], bool]

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        files = [path for path in sample if path.match(self.pattern) and not is_empty(path)]
        return any(map(self._is_recognized, files[:_SAMPLED_FILES]))

    def _is_recognized(self, path: Path) -> bool:
        try:
            return self.recognizes(path)
        except DataError:  # reported when the file is read
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Path]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or self.pattern, _find_in_folder)

    def files(self, location: Path) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location]

    def read(self, location: Path) -> Detections:
        """See `Layout.read`."""
        return self.read_file(location)


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, Path]]:
    yield from (((Path(name).stem,), folder.path / name) for name in folder.names)
