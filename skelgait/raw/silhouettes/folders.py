"""Folders of PNG images, a folder a sequence and an image a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skelgait.errors import DataError
from skelgait.raw.file_tree import list_files, sample_files, walk_folders
from skelgait.raw.keys import PathParts, sequence_keys
from skelgait.storage import Key

_PATTERN = "*.png"
# Beside the folders of GREW's sequences lies the mean image of each.
_NO_FRAME = "_gei.png"


@dataclass(frozen=True)
class ImageFolders:
    """The sequences of a tree of PNG images.

    Attributes:
        path: its root.
        folders: where each sequence lies, by the names of the folders on the way to it, by key, sorted.
    """

    path: Path
    folders: Mapping[Key, PathParts]

    @property
    def keys(self) -> Sequence[Key]:
        """Every sequence, sorted."""
        return list(self.folders)

    def folder(self, key: Key) -> Path:
        """The folder of a sequence."""
        return self.path.joinpath(*self.folders[key])

    def files(self, key: Key) -> list[Path]:
        """The frames of a sequence, at least one, in the order of their numbers.

        Raises:
            DataError: they are gone, or cannot be read.
        """
        folder = self.folder(key)
        files = [path for path in list_files(folder, _PATTERN) if _is_frame(path.name)]
        if not files:
            raise DataError(folder, "no PNG that can be read", "a frame", "put the frames back, or remove the folder")
        return files

    def modified_ns(self, key: Key) -> int:
        """When a frame of a sequence was last written, added or removed, in nanoseconds since the epoch.

        Raises:
            DataError: they are gone, or cannot be read.
        """
        try:
            return max(path.stat().st_mtime_ns for path in (self.folder(key), *self.files(key)))
        except OSError as error:
            where, found = error.filename or self.folder(key), error.strerror or str(error)
            raise DataError(where, found, "a file that can be read", "try again") from error


def find_image_folders(root: Path, names: str | None = None) -> ImageFolders:
    """Find the sequences in a tree of PNG images.

    Args:
        root: its root.
        names: how its paths are named, see `skelgait.raw.keys.sequence_keys`.

    Raises:
        DataError: there is no PNG, or the paths do not tell which sequence is which.
        SettingsError: `names` does not fit.
    """
    found = [folder.parts for folder in walk_folders(root, _PATTERN) if any(map(_is_frame, folder.names))]
    if not found:
        hint = "check the path; silhouettes that are arrays already (.pkl) need no aligning"
        raise DataError(root, _what_is_there(root), "folders of PNG images, one a frame", hint)
    return ImageFolders(root, sequence_keys(found, root, names))


def _is_frame(name: str) -> bool:
    return not name.lower().endswith(_NO_FRAME)


def _what_is_there(root: Path) -> str:
    sample = sample_files(root)
    if not sample:
        return "no file"
    return f"none, but {_endings(sample)} (for example {sample[0].relative_to(root)})"


def _endings(files: Iterable[Path]) -> str:
    counts = Counter(path.suffix or "no ending" for path in files)
    return "files with " + ", ".join(ending for ending, _ in counts.most_common(4))
