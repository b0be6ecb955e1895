"""Previews: a contact sheet and an animation of one sequence from any storage."""

from __future__ import annotations

from pathlib import Path

from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.maps import skeleton_maps
from skelgait.storage import Key, SequenceSource, open_any
from skelgait.storage.lock import lock_file
from skelgait.storage.names import file_stem
from skelgait.storage.opening import open_sequence
from skelgait.viz.contact_sheet import Strip, save_animation, save_sheet


def locate(path: PathLike, sequence: str | None, pattern: str = "*.pkl") -> tuple[SequenceSource, Key]:
    """Return the source and the key of the sequence that a path points to.

    Args:
        path: a dataset folder or HDF5 file, the folder of a sequence in a pickle tree, or the file in it.
        sequence: identity/condition/view of a sequence in a dataset; default: its first sequence.
        pattern: file name pattern of the sequences in a pickle tree.

    Raises:
        DataError: if the path has no readable sequence.
        SettingsError: if the dataset has no such sequence.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(path, "no such file or folder", "a sequence or a dataset", "check the path")
    single = open_sequence(path, pattern)
    if single is not None:
        return single
    source = open_any(path, pattern)
    if sequence is None:
        return source, source.keys[0]
    for key in source.keys:
        if str(key) == sequence:
            return source, key
    hint = f"give identity/condition/view, for example {source.keys[0]}"
    raise SettingsError("--sequence", sequence, f"a sequence in {path}", hint)


def save_previews(out: PathLike, source: SequenceSource, key: Key, frames: int) -> list[Path]:
    """Save a contact sheet (PNG) and an animation (GIF) of a sequence, and return both paths.

    Args:
        out: output folder; it is created if it is missing.
        source: source of the sequence; poses are drawn as skeleton maps first.
        key: sequence to show.
        frames: number of frames on the sheet, evenly spaced; the animation has all frames.

    Raises:
        DataError: if the sequence cannot be read or has no frames, or a file cannot be written.
    """
    arrays = dict(zip(source.modalities, source.read(key), strict=True))
    if "pose" in arrays:
        arrays["map"] = skeleton_maps(arrays.pop("pose"), name=f"{source.path}: {key}").maps
    strip = Strip(str(key), arrays.get("map"), arrays.get("silhouette"))
    if not len(strip):
        raise DataError(f"{source.path}: {key}", "no frames", "at least one frame", "choose another sequence")
    sheet, animation = (Path(out) / f"{file_stem(key)}{ending}" for ending in (".png", ".gif"))
    with lock_file(sheet):
        save_sheet(sheet, [strip], frames)
        save_animation(animation, strip)
    return [sheet, animation]
