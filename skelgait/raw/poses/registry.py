"""Registry of raw pose layouts by name. Importing it imports none of them.

To add a layout, write a module with an object as described in `skelgait.raw.poses.layout.Layout`, and add one line to
`LAYOUTS`. A program that uses skelgait adds the object itself.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, cast

from skelgait.errors import SettingsError

if TYPE_CHECKING:
    from skelgait.raw.poses.layout import Layout

# The first layout that matches is used. Layouts that check file names come before layouts that check only contents.
LAYOUTS: dict[str, str | Layout] = {
    "grew": "frame_files:GREW",
    "gait3d": "frame_files:GAIT3D",
    "oumvlp": "frame_files:OUMVLP",
    "openpose": "frame_files:OPENPOSE",
    "casia-b-csv": "casia_b_csv:CASIA_B_CSV",
    "pyskl": "pyskl:PYSKL",
    "pickles": "pickles:PICKLES",
    "alphapose": "alphapose:ALPHAPOSE",
    "mmpose": "mmpose:MMPOSE",
    "coco": "coco:COCO",
    "people-list": "alphapose:PEOPLE_LIST",
    "ultralytics": "image_json:ULTRALYTICS",
    "yolov7": "image_json:YOLOV7",
    "openpifpaf": "image_json:OPENPIFPAF",
    "yolo-video": "image_json:YOLO_VIDEO",
    "kinetics-skeleton": "kinetics:KINETICS",
    "yolo-txt": "yolo_text:YOLO_TEXT",
    "table": "tables:TABLE",
    "ntu": "ntu:NTU",
    "trc": "trc:TRC",
    "numpy": "arrays:ARRAYS",
}
"""Each layout, or its "module:name" path in this package, which is imported on first use."""


def get_layout(name: str) -> Layout:
    """Return the layout with a name.

    Raises:
        SettingsError: if the name is unknown; the error suggests a similar one.
    """
    if name not in LAYOUTS:
        similar = get_close_matches(name, LAYOUTS, n=1)
        hint = f"did you mean {similar[0]}?" if similar else "choose one of these layouts"
        raise SettingsError("--layout", name, f"one of {', '.join(LAYOUTS)}", hint)
    layout = LAYOUTS[name]
    if isinstance(layout, str):
        module, _, attribute = layout.partition(":")
        return cast("Layout", getattr(import_module(f"skelgait.raw.poses.{module}"), attribute))
    return layout
