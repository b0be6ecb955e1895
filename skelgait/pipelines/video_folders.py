"""Folders that the people in videos are written to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from skelgait.settings.video import VideoSettings
from skelgait.storage import Key, PickleTree, PickleTreeWriter
from skelgait.storage.backends import file_name_of
from skelgait.storage.lock import lock_folder
from skelgait.storage.metadata import DatasetMetadata, prepare_folder
from skelgait.storage.pickle_chunks import PickleChunkWriter
from skelgait.video.preview import DrawnTrack
from skelgait.video.spool import SequenceArrays

# Videos are added one by one: they have no common source that a later run could be compared with.
_SOURCE = "videos"
_SIZE_PX = 64
_HINT = "choose another folder with --out, or use --overwrite"


class VideoFolders(NamedTuple):
    """Folders that are written.

    Attributes:
        poses: folder of the poses, and of the index.
        silhouettes: folder of the silhouettes.
        previews: folder of the previews.
    """

    poses: Path
    silhouettes: Path
    previews: Path

    @contextmanager
    def prepared(self, config: VideoSettings) -> Iterator[None]:
        """Lock the folders of sequences while the block runs, after a check of what they hold.

        Raises:
            SettingsError: if a folder holds sequences from elsewhere, or made with other settings.
            DataError: if a folder cannot be written, or another run writes there.
        """
        settings = {
            "estimator": config.estimator,
            "model": config.model.name if config.model else None,
            "max_people": config.max_people,
        }
        poses, silhouettes = (
            DatasetMetadata(_SOURCE, settings),
            DatasetMetadata(_SOURCE, settings | {"size_px": _SIZE_PX}),
        )
        with lock_folder(self.poses), lock_folder(self.silhouettes):
            prepare_folder(self.poses, poses, "pose", overwrite=config.overwrite, hint=_HINT)
            prepare_folder(self.silhouettes, silhouettes, "silhouette", overwrite=config.overwrite, hint=_HINT)
            yield

    def hold(self, keys: Collection[Key]) -> bool:
        """Return True if there are poses of all sequences."""
        tree = PickleTreeWriter(self.poses)
        return all(tree.file(key).is_file() for key in keys)

    def write(self, key: Key, arrays: SequenceArrays) -> None:
        """Write the silhouettes of a sequence, if there are any, then its poses."""
        if len(arrays.silhouettes):
            names = _frame_names(arrays.silhouette_frames)
            PickleTreeWriter(self.silhouettes).write(key, arrays.silhouettes, frame_names=names)
        PickleTreeWriter(self.poses).write(key, arrays.poses, frame_names=_frame_names(arrays.frames))

    def remove(self, keys: Collection[Key]) -> None:
        """Remove sequences."""
        PickleChunkWriter(self.poses, "pose", file_name_of).remove(keys)
        PickleChunkWriter(self.silhouettes, "silhouette", file_name_of).remove(keys)

    def drawn(self, key: Key, label: str) -> DrawnTrack:
        """Return a sequence to draw into a preview."""
        tree = PickleTree(self.poses, {"pose": "*.pkl"})
        (poses,) = tree.read(key)
        names = tree.frame_names(key) or []
        return DrawnTrack(label, {int(name): body for name, body in zip(names, poses, strict=True)})


def _frame_names(frames: Collection[int]) -> list[str]:
    return [f"{index:06d}" for index in frames]
