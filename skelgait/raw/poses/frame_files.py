"""Layouts with one file per frame: text files of Gait3D and GREW, JSON files of OpenPose and OU-MVLP."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skelgait.errors import DataError, reading
from skelgait.raw.file_tree import list_files, walk_folders
from skelgait.raw.keys import DEFAULT_LABEL, PathParts
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.frames import FramePeople, read_frames, read_one_frame
from skelgait.raw.poses.image_people import with_absent
from skelgait.raw.poses.joints import parse_person, reshape_rows
from skelgait.raw.poses.json_files import read_json
from skelgait.raw.poses.sequence_files import is_empty
from skelgait.raw.poses.third_values import refuse_3d
from skelgait.skeletons import COCO_17, OPENPOSE_18, Skeleton

# Files that are looked at to recognize the layout.
_SAMPLED_FILES = 20
_IMAGE_SUFFIX = re.compile(r"\.(png|jpe?g|bmp|tiff?|webp)$", re.IGNORECASE)


class Frames(NamedTuple):
    """Location of a sequence: folder, glob pattern of its files, and their prefix if the folder has several videos."""

    folder: Path
    pattern: str
    video: str | None = None


@dataclass(frozen=True)
class FrameFiles:
    """Layout with one folder per sequence and one file per frame.

    Attributes:
        name: name in `--layout`.
        title: short description for messages.
        pattern: glob pattern of the frame files.
        suffix: end of the file name, before the extension, that is not part of the frame name.
        read_frame: function that reads the people of a frame; raises DataError for other files.
        skeleton: skeleton of the joints, if the format has only one.
        folders: regular expression of the folder paths.
        is_one_person: True if each file has the joints of one person.
        needs_people: True if only files with people show the layout.
        has_gaps: True if frames without people have no file.
        ignored_folder: name of folders that name no sequence; a video in it takes the name of its files.
        may_share: True if a folder may contain several videos; the file names then start with the video name.
    """

    name: str
    title: str
    pattern: str
    suffix: str
    read_frame: Callable[[Path], FramePeople]
    skeleton: Skeleton | None = None
    folders: re.Pattern[str] = re.compile(".*")
    is_one_person: bool = False
    needs_people: bool = False
    has_gaps: bool = False
    ignored_folder: str = ""
    may_share: bool = False

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        frames = [path for path in sample if path.match(self.pattern) and self._is_in_folder(path)]
        return any(map(self._is_readable, [path for path in frames if not is_empty(path)][:_SAMPLED_FILES]))

    def _is_in_folder(self, path: Path) -> bool:
        return self.folders.fullmatch(path.absolute().parent.as_posix()) is not None

    def _is_readable(self, path: Path) -> bool:
        try:
            frame = read_one_frame(path, self.read_frame)
        except DataError:
            return False
        return bool(frame.people) or not self.needs_people

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Frames]:
        """See `Layout.find`."""
        pattern = pattern or self.pattern
        locations: dict[PathParts, Frames] = {}
        for folder in walk_folders(root, pattern):
            videos = sorted(set(map(self._video, folder.names))) if self.may_share else []
            parts = tuple(part for part in folder.parts if part != self.ignored_folder)
            if len(videos) < 2 and (parts or not self.ignored_folder):
                locations[parts] = Frames(folder.path, pattern)
                continue
            for video in videos:
                locations[(*parts, video.rstrip("_- ") or DEFAULT_LABEL)] = Frames(folder.path, pattern, video)
        return locations

    def files(self, location: Frames) -> Sequence[Path]:
        """See `Layout.files`."""
        files = list_files(location.folder, location.pattern)
        return files if location.video is None else [path for path in files if self._video(path.name) == location.video]

    def _video(self, name: str) -> str:
        """Return the part of a file name before the frame number."""
        return re.sub(r"[0-9]+$", "", self._stem(name))

    def _stem(self, name: str) -> str:
        """Return a file name without its suffixes: a for a.png.predictions.json."""
        return _IMAGE_SUFFIX.sub("", name.rpartition(".")[0].removesuffix(self.suffix))

    def read(self, location: Frames) -> Detections:
        """See `Layout.read`."""
        files = self.files(location)
        frames, unreadable = read_frames(location.folder, files, self.read_frame)
        by_name = {self._stem(path.name): frame.people for path, frame in zip(files, frames, strict=True)}
        names = with_absent(list(by_name)) if self.has_gaps else list(by_name)
        return Detections(
            location.folder,
            [by_name.get(name, ()) for name in names],
            names,
            self.skeleton,
            unreadable=unreadable,
            is_one_person=self.is_one_person,
        )


def _read_text(path: Path) -> FramePeople:
    """Read one person: two leading values, then x, y and confidence of each joint, separated by commas."""
    expected, hint = "numbers separated by commas", "export the frame again"
    with reading(path, expected, hint, "other content"):
        text = path.read_text(encoding="utf-8").replace("\n", ",").strip(", ")
        if not text:
            raise DataError(path, "an empty file", expected, hint)
        values = np.array(text.split(","), np.float64)
    return FramePeople([Detection(joints) for joints in reshape_rows(values[None], path)])


def _read_people(path: Path) -> FramePeople:
    """Read the people of a frame from an OpenPose JSON file."""
    content = read_json(path)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise DataError(path, "no list of people", 'a JSON object {"people": [...]}', "export the frame again")
    for person in people:
        if person.get("pose_keypoints_3d") and not person.get("pose_keypoints_2d"):
            raise refuse_3d(path, "pose_keypoints_3d only")
    return FramePeople(
        [Detection(parse_person(person.get("pose_keypoints_2d") or [], path), _track_id(person)) for person in people]
    )


def _track_id(person: dict[str, Any]) -> Any:
    """Return the id that OpenPose writes as a list: [-1] without tracking."""
    values = person.get("person_id")
    track = values[0] if isinstance(values, list) and values else values
    return None if track == -1 else track


GAIT3D = FrameFiles(
    "gait3d", "Gait3D, one text file per frame", "*[0-9].txt", "", _read_text, COCO_17, is_one_person=True
)
GREW = FrameFiles(
    "grew", "GREW, one text file per frame", "*_2d_pose.txt", "_2d_pose", _read_text, COCO_17, is_one_person=True
)
OPENPOSE = FrameFiles(
    "openpose", "OpenPose, one JSON file per frame", "*.json", "_keypoints", _read_people, may_share=True
)
OUMVLP = FrameFiles(
    "oumvlp",
    "OU-MVLP Pose (AlphaPose or OpenPose), one JSON file per frame",
    "*.json",
    "_keypoints",
    _read_people,
    OPENPOSE_18,
    re.compile(r".*/\d{5}/(\d{3}_\d{2}|\d{2}/\d{3})"),
)
