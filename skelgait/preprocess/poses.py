"""A pose tree or store out of a raw dataset: one person a frame, in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.preprocess.build import BuildReport, Destination, Loaded, Output, build_dataset
from skelgait.raw.poses.layout import RawPoses, RawSequence
from skelgait.raw.poses.person_index import person_index_path, read_person_index
from skelgait.raw.poses.walker_selection import select_walker
from skelgait.raw.silhouettes.images import SilhouetteImages, find_silhouette_images
from skelgait.runtime.cores import usable_cores
from skelgait.settings.schema import PosesSettings
from skelgait.skeletons import find_skeleton
from skelgait.storage import Key
from skelgait.storage.frame_names import frame_number
from skelgait.storage.metadata import DatasetMetadata

_HOW = {"workers", "overwrite", "layout"}


def collect_poses(
    raw: RawPoses, out: Path, settings: PosesSettings, advance: Callable[[int], None] = lambda _: None
) -> BuildReport:
    """Write every sequence of a raw dataset into `out`, see `skelgait.preprocess.build.build_dataset`.

    Args:
        raw: the raw dataset.
        out: folder of the poses, a pickle tree or HDF5 parts by `settings.storage`.
        settings: how to choose among several people, and how to write.
        advance: told how many sequences have been dealt with since the last call.

    Returns:
        What became of them. In each sequence it counts `frames`, `nobody` (frames left out, as nobody was found in
        them), `several` (frames with more than one person) and, of these, `by_index`, `by_silhouette` and
        `by_continuity`, and `not_finite` (joints that were no numbers, and are 0, 0, 0 now).

    Raises:
        SettingsError: `out` holds other poses, or lies where the raw dataset does.
        DataError: `out` cannot be written, or another run writes there; what was written before stays.
    """
    if out.resolve() == raw.path.resolve():
        raise SettingsError(out, "the raw dataset itself", "another folder", "name another folder with --poses")
    images = find_silhouette_images(settings.silhouette_images, settings.names) if settings.silhouette_images else None
    _refuse_useless_help(raw, settings.person_index, images)
    is_hdf5 = settings.storage == "hdf5"
    unused = set() if is_hdf5 else {"compression"}
    how = {"layout": raw.layout.name, **settings.model_dump(mode="json", exclude=_HOW | unused)}
    return build_dataset(
        _Collecting(raw, settings.person_index, images, _frame_form(raw) if is_hdf5 else None),
        Destination(
            out,
            "pose",
            DatasetMetadata(str(raw.path.resolve()), how),
            settings.storage,
            settings.compression,
            flag="--poses",
        ),
        workers=settings.workers or usable_cores(),
        overwrite=settings.overwrite,
        advance=advance,
    )


class _FrameForm(NamedTuple):
    """What all frames of an HDF5 store have in common."""

    joints: int
    dtype: str

    def __str__(self) -> str:
        return f"{self.joints} joints of {self.dtype}"


def _frame_form(raw: RawPoses) -> _FrameForm | None:
    """That of the first sequence with somebody in it."""
    for key in raw.keys:
        with suppress(DataError):
            for people in raw.read(key).people:
                if len(people):
                    return _FrameForm(people.shape[1], str(people.dtype))
    return None


def _refuse_useless_help(raw: RawPoses, person_index: Path | None, images: SilhouetteImages | None) -> None:
    """Refuse an index, or silhouettes, that have nothing of any sequence."""
    first, hint = raw.keys[0], "check the folder, and that identities, conditions and views are named alike"
    if person_index is not None and not any(person_index_path(person_index, key).is_file() for key in raw.keys):
        found, expected = "no index of any sequence", f"files such as {person_index_path(person_index, first)}"
        raise SettingsError("--person-index", found, expected, hint)
    if images is not None and not set(images.folders.folders) & set(raw.keys):
        found = f"silhouettes of other sequences, such as {images.folders.keys[0]}"
        raise SettingsError("--silhouette-images", found, f"those of the poses, such as {first}", hint)


@dataclass(frozen=True)
class _Collecting:
    """A `Recipe`: one person a frame."""

    raw: RawPoses
    person_index: Path | None
    silhouettes: SilhouetteImages | None
    only: _FrameForm | None

    @property
    def keys(self) -> Sequence[Key]:
        return self.raw.keys

    def modified_ns(self, key: Key) -> int:
        dates = [self.raw.modified_ns(key)]
        if self.person_index and (index := person_index_path(self.person_index, key)).is_file():
            dates.append(index.stat().st_mtime_ns)
        return max(dates)

    def read(self, key: Key) -> Loaded:
        sequence = self.raw.read(key)
        where = f"{self.raw.path}: {key}"
        chosen = select_walker(sequence, self._index(key, sequence), self._silhouettes(key, sequence))
        if not chosen.frames:
            found = f"nobody in any of {len(sequence.people)} frames"
            raise DataError(where, found, "a person", "run the pose estimator on it again, or leave it out")
        array, not_finite = _as_array(chosen.joints, where)
        if not array[..., :2].any():
            hint = "run the pose estimator on it again, or leave it out"
            raise DataError(where, f"no joint in any of {len(array)} frames", "a person", hint)
        if self.only and self.only != (form := _FrameForm(array.shape[1], str(array.dtype))):
            hint = "write a pickle tree, or these sequences into a store of their own"
            raise ShapeError(where, str(form), f"{self.only}, as in the first sequence of the store", hint)
        counts = {
            "nobody": len(sequence.people) - len(chosen.frames),
            "several": chosen.several,
            "by_index": chosen.by_index,
            "by_silhouette": chosen.by_silhouette,
            "by_continuity": chosen.by_continuity,
            "not_finite": not_finite,
        }
        names = sequence.frame_names and [sequence.frame_names[t] for t in chosen.frames]
        return Loaded(Output(array, counts), len(array), names)

    def make(self, loaded: Loaded) -> Output:
        made: Output = loaded.content
        return made

    def _index(self, key: Key, sequence: RawSequence) -> dict[int, int]:
        if self.person_index is None:
            return {}
        return read_person_index(person_index_path(self.person_index, key), sequence.frame_names)

    def _silhouettes(self, key: Key, sequence: RawSequence) -> dict[int, NDArray[np.uint8]]:
        """(H, W) silhouettes by the place of a frame, of those frames in which somebody has to be chosen."""
        several = [t for t, people in enumerate(sequence.people) if len(people) > 1]
        if self.silhouettes is None or sequence.frame_names is None or not several:
            return {}
        images = self.silhouettes.frames(key)
        numbers = {t: frame_number(sequence.frame_names[t]) for t in several}
        return {t: images[number] for t, number in numbers.items() if number is not None and number in images}


def _as_array(joints: Sequence[NDArray[Any]], where: str) -> tuple[NDArray[Any], int]:
    """(T, V, 3), with 0, 0, 0 for joints that are no finite numbers, and how many these are."""
    counts = sorted({len(one) for one in joints})
    if len(counts) > 1:
        found = f"frames with {' and '.join(map(str, counts))} joints"
        raise ShapeError(where, found, "one number of joints", "export the sequence with one skeleton format")
    find_skeleton(counts[0], where)
    array = np.stack(joints)
    is_wrong = ~np.isfinite(array).all(axis=2)
    array[is_wrong] = 0
    return array, int(is_wrong.sum())
