"""Trees of PNG images with one folder per sequence and one image per frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skelgait.errors import DataError, PathLike
from skelgait.raw.file_tree import list_files, sample_files, walk_folders
from skelgait.raw.keys import PathParts, sequence_keys
from skelgait.storage import Key
from skelgait.storage.times import joint_time_ns

_PATTERN = "*.png"
# GREW stores the gait energy image of each sequence next to its folder; it is not a frame.
_GEI_SUFFIX = "_gei.png"


@dataclass(frozen=True)
class ImageFolders:
    """Sequences of a tree of PNG images.

    Attributes:
        path: root folder of the tree.
        folders: path of each sequence relative to the root, as folder names, sorted by key.
    """

    path: Path
    folders: Mapping[Key, PathParts]

    @property
    def keys(self) -> Sequence[Key]:
        """Keys of all sequences, sorted."""
        return list(self.folders)

    def folder(self, key: Key) -> Path:
        """Return the folder of a sequence."""
        return self.path.joinpath(*self.folders[key])

    def files(self, key: Key) -> list[Path]:
        """Return the frames of a sequence, at least one, in natural order.

        Raises:
            DataError: if there is no frame, or the folder cannot be read.
        """
        folder = self.folder(key)
        files = [path for path in list_files(folder, _PATTERN) if _is_frame(path.name)]
        if not files:
            raise DataError(folder, "no PNG", "at least one frame", "restore the frames, or remove the folder")
        return files

    def modified_ns(self, key: Key) -> int:
        """Return a time that changes with a sequence or its frames, in nanoseconds since the epoch.

        Raises:
            DataError: if there is no frame, or the folder cannot be read.
        """
        try:
            return joint_time_ns([path.stat().st_mtime_ns for path in (self.folder(key), *self.files(key))])
        except OSError as error:
            path, found = error.filename or self.folder(key), error.strerror or str(error)
            raise DataError(path, found, "a readable file", "check the path, and run the command again") from error


def find_image_folders(root: PathLike, names: str | None = None) -> ImageFolders:
    """Find the sequences in a tree of PNG images.

    Args:
        root: root folder of the tree.
        names: template of the paths, see `skelgait.raw.keys.sequence_keys`. Default: recognize.

    Raises:
        DataError: if there is no PNG, or paths do not give distinct keys.
        SettingsError: if `names` does not match.
    """
    root = Path(root)
    folders = [folder.parts for folder in walk_folders(root, _PATTERN) if any(map(_is_frame, folder.names))]
    if not folders:
        hint = "check the path; silhouettes in .pkl files are aligned already"
        raise DataError(root, _describe(root), "folders of PNG images, one per frame", hint)
    return ImageFolders(root, sequence_keys(folders, root, names))


def _is_frame(name: str) -> bool:
    return not name.lower().endswith(_GEI_SUFFIX)


def _describe(root: Path) -> str:
    sample = sample_files(root)
    if not sample:
        return "no file"
    suffixes = Counter(path.suffix or "no suffix" for path in sample)
    names = ", ".join(suffix for suffix, _ in suffixes.most_common(4))
    return f"only files with {names} (for example {sample[0].relative_to(root)})"
