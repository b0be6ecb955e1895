"""Options of reading raw poses, from the text of their flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skelgait.errors import SettingsError
from skelgait.raw.poses.detections import ReadOptions
from skelgait.raw.poses.joint_names import named_skeleton
from skelgait.raw.poses.table_columns import TableFormat
from skelgait.skeletons import Skeleton, get_skeleton
from skelgait.storage.yaml_files import read_yaml

_EXPECTED = "joints, a list of names or the columns of each joint; and optionally frame and person"
_HINT = "see examples/guide/raw_data.md"


def read_options(skeleton: str | None = None, image_size: str | None = None) -> ReadOptions:
    """Return the options of reading raw poses.

    Args:
        skeleton: name of the skeleton, or path of a YAML file that names the joints; None: recognize.
        image_size: width and height of the images, as 1920x1080; None: unknown.

    Raises:
        SettingsError: if the skeleton is unknown, or its file is invalid.
    """
    size = None
    if image_size is not None:
        width, height = image_size.split("x")
        size = int(width), int(height)
    if skeleton is None:
        return ReadOptions(None, size)
    if not skeleton.lower().endswith((".yaml", ".yml")):
        return ReadOptions(get_skeleton(skeleton), size)
    content = _read_file(Path(skeleton))
    joints = content["joints"]
    table = None
    if isinstance(joints, dict):
        columns = {str(joint): tuple(map(str, names)) for joint, names in joints.items()}
        table = TableFormat(columns, content.get("frame"), content.get("person"))
    return ReadOptions(_skeleton(list(map(str, joints)), skeleton), size, table)


def _read_file(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    if not isinstance(content.get("joints"), dict | list) or not content["joints"]:
        raise SettingsError(path, "no joints", _EXPECTED, _HINT)
    joints, unknown = content["joints"], content.keys() - {"joints", "frame", "person"}
    if unknown:
        raise SettingsError(path, f"the key {sorted(map(str, unknown))[0]}", _EXPECTED, _HINT)
    if isinstance(joints, dict):
        for joint, columns in joints.items():
            if not isinstance(columns, list) or len(columns) not in (1, 2, 3):
                raise SettingsError(path, f"{columns!r:.40} for {joint}", "[x column, y column, confidence]", _HINT)
    return content


def _skeleton(names: list[str], file: str) -> Skeleton:
    skeleton = named_skeleton(names, Path(file).stem)
    if skeleton is None:
        found = f"joints named {', '.join(names[:5])}, ..., which are not those of a person"
        raise SettingsError(file, found, "names such as nose, left shoulder, right ankle", _HINT)
    return skeleton
