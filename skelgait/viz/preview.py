"""Looking at sequences: a sheet and an animation of what lies at a path, in any store."""

from __future__ import annotations

from pathlib import Path

from skelgait.errors import DataError, SettingsError
from skelgait.maps import skeleton_maps
from skelgait.storage import Key, SequenceSource, open_any
from skelgait.storage.opening import open_sequence
from skelgait.viz.contact_sheet import Strip, save_animation, save_sheet


def locate(path: Path, sequence: str | None, pattern: str = "*.pkl") -> tuple[SequenceSource, Key]:
    """The source and the key that a path points to: a store, a sequence's folder in a tree, or a file in that.

    Args:
        path: where to look.
        sequence: identity/condition/view, for a store; its first sequence where None.
        pattern: pattern of the sequence's file in a tree.

    Raises:
        DataError: nothing readable lies there.
        SettingsError: there is no such sequence.
    """
    if not path.exists():
        raise DataError(path, "no such file or folder", "a sequence or a store", "check the path")
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


def save_previews(out: Path, source: SequenceSource, key: Key, frames: int) -> list[Path]:
    """Save a sheet (PNG) and an animation (GIF) of a sequence into the folder `out`; returns both files.

    Args:
        out: the folder.
        source: where the sequence lies; poses are drawn first.
        key: the sequence.
        frames: frames on the sheet, evenly spaced; the animation has all.

    Raises:
        DataError: the sequence cannot be read or has no frame, or a file cannot be written.
    """
    arrays = dict(zip(source.modalities, source.read(key), strict=True))
    if "pose" in arrays:
        arrays["map"] = skeleton_maps(arrays.pop("pose"), name=f"{source.path}: {key}").maps
    strip = Strip(str(key), arrays.get("map"), arrays.get("silhouette"))
    if not len(strip):
        raise DataError(f"{source.path}: {key}", "no frame", "at least one frame", "choose another sequence")
    sheet, animation = (out / f"{'_'.join(key)}{ending}" for ending in (".png", ".gif"))
    save_sheet(sheet, [strip], frames)
    save_animation(animation, strip)
    return [sheet, animation]
