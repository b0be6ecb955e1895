"""Poses of a whole raw dataset: one person in each frame, frames in temporal order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike, SettingsError, ShapeError
from skelgait.maps.keypoints import LARGEST_PX
from skelgait.preprocess.build import (
    BuildReport,
    Destination,
    Loaded,
    Output,
    Recipe,
    build_dataset,
    recorded_settings,
)
from skelgait.preprocess.keypoints import check_posture
from skelgait.raw.poses.jumps import count_jumps
from skelgait.raw.poses.layout import RawPoses
from skelgait.raw.poses.person_index import person_index_path, read_person_index
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import find_tracks
from skelgait.raw.poses.walker_selection import Aids, rank_tracks, select_walker
from skelgait.raw.silhouettes.images import SilhouetteImages, find_silhouette_images
from skelgait.runtime.advance import Advance
from skelgait.runtime.cores import usable_cores
from skelgait.settings.schema import PosesSettings
from skelgait.storage import Key
from skelgait.storage.backends import find_backend
from skelgait.storage.frame_names import frame_number
from skelgait.storage.metadata import DatasetMetadata
from skelgait.storage.times import joint_time_ns

# Files named in warnings of one sequence.
_MAX_WARNINGS = 3


def collect_poses(
    raw: RawPoses, out: PathLike, config: PosesSettings, *, advance: Advance | None = None
) -> BuildReport:
    """Write all sequences of a raw dataset into `out`, see `skelgait.preprocess.build.build_dataset`.

    Args:
        raw: raw dataset.
        out: folder of the poses, in the storage `config.storage`.
        config: settings of the choice among several people, and of the storage.
        advance: called with the number of finished sequences.

    Returns:
        Report that counts for each sequence `frames`; `no_person`: frames left out because they have no person;
        `without_walker`: frames left out because they have other people only; `several_people`: written frames with
        more than one person, and of these `by_index`, `by_silhouette` and `by_continuity`: how the person was chosen;
        `tracks`: person tracks; `joins`: joins of the track of the walker; `jumps`: steps between neighboring frames
        that move by half a body height or change the height by half; `not_finite`: joints with values that are not
        finite, or are beyond a million pixels, written as 0, 0, 0; `without_joints`: people without joints, dropped;
        `clipped`: confidences outside 0 to 1; and `unreadable_files`: empty or damaged files, each a frame without
        people.

    Raises:
        SettingsError: if `out` is the raw dataset or holds other poses, or if the person index or the silhouettes fit
            no sequence.
        DataError: if `out` cannot be written, or another run writes there. Poses written before are kept.
    """
    out = Path(out)
    if out.resolve() == raw.path.resolve():
        raise SettingsError(out, "the raw dataset itself", "another folder", "choose another folder with --poses")
    images = find_silhouette_images(config.silhouette_images, config.names) if config.silhouette_images else None
    _check_aids(raw, config.person_index, images)
    frame_format = _first_format(raw) if find_backend(config.storage).has_uniform_frames else None
    settings = {**recorded_settings(config), "layout": raw.layout.name}
    metadata = DatasetMetadata(str(raw.path.resolve()), settings)
    hint = "choose another folder with --poses, or use --overwrite"
    return build_dataset(
        _PoseRecipe(raw, config.person_index, images, frame_format, config.force),
        Destination(out, "pose", metadata, config.storage, config.compression, hint=hint),
        workers=config.workers or usable_cores(),
        overwrite=config.overwrite,
        advance=advance,
    )


class _FrameFormat(NamedTuple):
    joints: int
    dtype: str

    def __str__(self) -> str:
        return f"{self.joints} joints of {self.dtype}"


def _first_format(raw: RawPoses) -> _FrameFormat | None:
    """Return the format of the first frame with a person; None if there is no such frame."""
    for key in raw.keys:
        with suppress(DataError):
            for people in raw.read(key).people:
                if len(people):
                    return _FrameFormat(people.shape[1], str(people.dtype))
    return None


def _check_aids(raw: RawPoses, person_index: Path | None, images: SilhouetteImages | None) -> None:
    """Refuse a person index, or silhouettes, that fit no sequence."""
    first, hint = raw.keys[0], "check the folder, and that identities, conditions and views have the same names"
    if person_index is not None and not any(person_index_path(person_index, key).is_file() for key in raw.keys):
        found, expected = "no index of any sequence", f"files such as {person_index_path(person_index, first)}"
        raise SettingsError("--person-index", found, expected, hint)
    if images is not None and not set(images.folders.folders) & set(raw.keys):
        found = f"silhouettes of other sequences, such as {images.folders.keys[0]}"
        raise SettingsError("--silhouette-images", found, f"silhouettes of the poses, such as {first}", hint)


@dataclass(frozen=True)
class _PoseRecipe(Recipe):
    """Poses of one person in each frame. They are made in `read`, because their number is not known before."""

    raw: RawPoses
    person_index: Path | None
    silhouettes: SilhouetteImages | None
    frame_format: _FrameFormat | None
    force: bool

    @property
    def keys(self) -> Sequence[Key]:
        return self.raw.keys

    def modified_ns(self, key: Key) -> int:
        times = [self.raw.modified_ns(key)]
        if self.person_index and (index := person_index_path(self.person_index, key)).is_file():
            times.append(index.stat().st_mtime_ns)
        return joint_time_ns(times)

    def read(self, key: Key) -> Loaded:
        sequence = self.raw.read(key)
        location = f"{self.raw.path}: {key}"
        aids = Aids(self._index(key, sequence), self._silhouettes(key, sequence))
        tracks = rank_tracks(sequence, find_tracks(sequence), aids)
        walker = select_walker(sequence, tracks, aids)
        hint = "run the pose estimator on this sequence again, or remove it"
        if walker is None:
            raise DataError(location, f"no person in any of {len(sequence.people)} frames", "a person", hint)
        array, not_finite = _as_array(walker.joints, location)
        if not array[..., :2].any():
            raise DataError(location, f"no joint in any of {len(array)} frames", "a person", hint)
        if not self.force:
            check_posture(array, location)
        self._check_format(_FrameFormat(array.shape[1], str(array.dtype)), location)
        counts = {
            "no_person": sum(len(people) == 0 for people in sequence.people),
            "without_walker": sum(len(people) > 0 for people in sequence.people) - len(walker.frames),
            "several_people": walker.several,
            "by_index": walker.by_index,
            "by_silhouette": walker.by_silhouette,
            "by_continuity": walker.by_continuity,
            "tracks": len(tracks),
            "joins": walker.joins,
            "jumps": count_jumps(walker.joints, walker.frames),
            "not_finite": not_finite,
            "without_joints": sequence.counts.without_joints,
            "clipped": sequence.counts.clipped,
            "unreadable_files": len(sequence.counts.unreadable),
        }
        names = sequence.frame_names and [sequence.frame_names[t] for t in walker.frames]
        return Loaded(Output(array, counts, _warnings(sequence)), len(array), names)

    def make(self, loaded: Loaded) -> Output:
        output: Output = loaded.content
        return output

    def _check_format(self, frame_format: _FrameFormat, location: str) -> None:
        if self.frame_format not in (None, frame_format):
            hint = "use --storage pkl, or write these sequences into another store"
            expected = f"{self.frame_format}, as in the first sequence of the store"
            raise ShapeError(location, str(frame_format), expected, hint)

    def _index(self, key: Key, sequence: RawSequence) -> dict[int, int]:
        if self.person_index is None:
            return {}
        return read_person_index(person_index_path(self.person_index, key), sequence.frame_names)

    def _silhouettes(self, key: Key, sequence: RawSequence) -> dict[int, NDArray[np.uint8]]:
        """Return silhouettes (H, W) of the frames with several people, by frame index."""
        several = [t for t, people in enumerate(sequence.people) if len(people) > 1]
        if self.silhouettes is None or sequence.frame_names is None or not several:
            return {}
        images = self.silhouettes.frames(key)
        numbers = {t: frame_number(sequence.frame_names[t]) for t in several}
        return {t: images[number] for t, number in numbers.items() if number is not None and number in images}


def _warnings(sequence: RawSequence) -> tuple[str, ...]:
    """Return a warning for each of the first unreadable files."""
    lines = [f"{path}: found {reason}; its frame is left out" for path, reason in sequence.counts.unreadable.items()]
    more = len(lines) - _MAX_WARNINGS
    return (*lines[:_MAX_WARNINGS], *([f"... and {more} more empty or damaged files"] if more > 0 else []))


def _as_array(joints: Sequence[NDArray[Any]], location: str) -> tuple[NDArray[Any], int]:
    """Stack the joints of all frames.

    Returns:
        Poses (T, V, 3), with 0, 0, 0 for joints that are not finite or beyond any image; and the number of such joints.
    """
    counts = sorted({len(frame) for frame in joints})
    if len(counts) > 1:
        found = f"frames with {' and '.join(map(str, counts))} joints"
        raise ShapeError(location, found, "one number of joints", "export the sequence with one skeleton format")
    array = np.stack(joints)
    # NaN is not smaller either.
    is_invalid = ~(np.isfinite(array).all(axis=2) & (np.abs(array[..., :2]) <= LARGEST_PX).all(axis=2))
    array[is_invalid] = 0
    return array, int(is_invalid.sum())
