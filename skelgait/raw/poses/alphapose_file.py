"""Content of AlphaPose result files, in its three forms, and of flat lists of people of other programs.

* default: a list of people, each with its image; or the object of one person
* cmu: `{image: {"bodies": [{"joints": [54 numbers]}]}}`
* open: `{image: {"people": [{"pose_keypoints_2d": [54 numbers]}]}}`

The joints of the cmu and open forms are those of OpenPose-18.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from skelgait.errors import DataError
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.detections import Detection
from skelgait.raw.poses.image_json import IMAGE_KEYS
from skelgait.raw.poses.image_people import ImagePeople, check_folders
from skelgait.raw.poses.joints import parse_person
from skelgait.raw.poses.json_parts import PartBuilder, field_value
from skelgait.raw.poses.json_stream import Item, Span, iter_items, iter_spans
from skelgait.raw.poses.sequence_files import cache_last_file, split_path
from skelgait.skeletons import OPENPOSE_18

_EXPECTED = 'a list of {"image_id": "<image name>", "keypoints": [...]}'
_HINT = "export the poses again, or pass another --layout"
# Key of the people of an image, and of the joints of a person, in the cmu and open forms.
_FORMS = {"bodies": "joints", "people": "pose_keypoints_2d"}


def is_result(value: Mapping[str, Any]) -> bool:
    """Return True for a person of the default form."""
    return isinstance(value.get("image_id"), str) and "keypoints" in value


def is_listed(value: Mapping[str, Any]) -> bool:
    """Return True for a person of a flat list: its image has another key, or it has the number of its frame."""
    return "keypoints" in value and "image_id" not in value and _image(value) is not None


def _image(value: Mapping[str, Any]) -> str | None:
    """Return the image that a person names; None if it names none."""
    names = [value[key] for key in IMAGE_KEYS if isinstance(value.get(key), str | int)]
    return str(names[0]) if names else None


def is_image(value: Mapping[str, Any]) -> bool:
    """Return True for the people of an image in the cmu or open form."""
    return any(isinstance(value.get(key), list) for key in _FORMS)


@cache_last_file
def read_alphapose(path: Path) -> ImagePeople:
    """Read a file of AlphaPose results in one pass.

    Raises:
        DataError: if it cannot be read, or has other content.
    """
    return people_of_items(iter_items(path), path)


def spans_of_folders(path: Path) -> dict[PathParts, list[Span]]:
    """Return the places of the people of each folder of images, for a file with a list.

    Raises:
        DataError: if the file cannot be read, or a person names no image.
    """
    parts = PartBuilder()
    for span, text in iter_spans(path):
        image = next((value for key in IMAGE_KEYS if (value := field_value(text, key)) is not None), None)
        parts.add(split_path(None if image is None else str(image), path)[:-1], span)
    check_folders(parts.spans, path)
    return parts.spans


def people_of_items(items: Iterable[Item], path: Path) -> ImagePeople:
    """Return the people in the items of a file.

    Raises:
        DataError: if the file has other content.
    """
    result = ImagePeople()
    pairs: dict[str, Any] = {}
    for item in items:
        if item.key is not None and not isinstance(item.value, dict):
            pairs.setdefault(item.key, []).append(item.value)  # a value of the object of one person
            continue
        for image, person in _people(item, path):
            result.add(split_path(image, path), [] if person is None else [person])
        if item.key is not None:
            result.skeleton = OPENPOSE_18
    if pairs:
        fields = {key: values if len(values) > 1 else values[0] for key, values in pairs.items()}
        if result.sequences or not is_result(fields):
            raise DataError(path, "other content", _EXPECTED, _HINT)
        result.add(split_path(fields["image_id"], path), [_person(fields, path)])
    check_folders(result.sequences, path)
    return result


def _people(item: Item, path: Path) -> Iterator[tuple[str, Detection | None]]:
    """Yield the image and the detection of each person in an item; an image without people has None."""
    key, value = item
    if key is None and isinstance(value, dict) and (is_result(value) or is_listed(value)):
        yield _image(value) or "", _person(value, path)
    elif key is not None and is_image(value):
        form = next(name for name in _FORMS if name in value)
        yield key, None
        for body in value[form]:
            if not isinstance(body, dict):
                raise DataError(path, "other content", _EXPECTED, _HINT)
            joints = body.get(_FORMS[form])
            yield key, Detection(parse_person(joints or [], path), _track_id(body))
    else:
        raise DataError(path, "other content", _EXPECTED, _HINT)


def _person(result: Mapping[str, Any], path: Path) -> Detection:
    box = result.get("box", result.get("bbox"))
    return Detection(parse_person(result["keypoints"], path), _track_id(result), box)


def _track_id(result: Any) -> Any:
    """Return the track id of a person, which some versions of AlphaPose put in a list."""
    idx = next((result[key] for key in ("idx", "track_id", "person_id") if key in result), None)
    return idx[0] if isinstance(idx, list) and idx else idx
