"""Layouts with one file per frame: text files of Gait3D and GREW, JSON files of OpenPose and OU-MVLP."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.raw.file_tree import list_files, walk_folders
from skelgait.raw.keys import DEFAULT_LABEL, PathParts
from skelgait.raw.poses.joints import reshape_rows, to_numbers
from skelgait.raw.poses.json_files import read_json
from skelgait.raw.poses.sequence import RawSequence


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
        read_frame: function that reads the people of a frame, (M, V, 3); raises DataError for other files.
        folders: regular expression of the folder paths.
        may_share: True if a folder may contain several videos; the file names then start with the video name.
    """

    name: str
    title: str
    pattern: str
    suffix: str
    read_frame: Callable[[Path], NDArray[Any]]
    folders: re.Pattern[str] = re.compile(".*")
    may_share: bool = False

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        frames = [path for path in sample if path.match(self.pattern)]
        if not frames or not self.folders.fullmatch(frames[0].absolute().parent.as_posix()):
            return False
        try:
            self.read_frame(frames[0])
        except DataError:
            return False
        return True

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Frames]:
        """See `Layout.find`."""
        pattern = pattern or self.pattern
        locations: dict[PathParts, Frames] = {}
        for folder in walk_folders(root, pattern):
            videos = sorted(set(map(self._video, folder.names))) if self.may_share else []
            if len(videos) < 2:
                locations[folder.parts] = Frames(folder.path, pattern)
                continue
            for video in videos:
                locations[(*folder.parts, video.rstrip("_- ") or DEFAULT_LABEL)] = Frames(folder.path, pattern, video)
        return locations

    def files(self, location: Frames) -> Sequence[Path]:
        """See `Layout.files`."""
        files = list_files(location.folder, location.pattern)
        return files if location.video is None else [path for path in files if self._video(path.name) == location.video]

    def _video(self, name: str) -> str:
        """Return the part of a file name before the frame number."""
        stem = name.rpartition(".")[0].removesuffix(self.suffix)
        return re.sub(r"[0-9]+$", "", stem)

    def read(self, location: Frames) -> RawSequence:
        """See `Layout.read`."""
        files = self.files(location)
        names = [path.name.removesuffix(path.suffix).removesuffix(self.suffix) for path in files]
        return RawSequence([self.read_frame(path) for path in files], names)


def _read_text(path: Path) -> NDArray[np.float64]:
    """Read one person: two leading values, then x, y and confidence of each joint, separated by commas."""
    try:
        values = np.array(path.read_text(encoding="utf-8").replace("\n", ",").strip(", ").split(","), np.float64)
    except (OSError, ValueError) as error:
        raise DataError(path, str(error), "numbers separated by commas", "export the frame again") from error
    return reshape_rows(values[None], path)


def _read_people(path: Path) -> NDArray[np.float64]:
    """Read the people of a frame from an OpenPose JSON file."""
    content = read_json(path)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise DataError(path, "no list of people", 'a JSON object {"people": [...]}', "export the frame again")
    rows = [to_numbers(person.get("pose_keypoints_2d"), path) for person in people]
    if any(row.ndim != 1 for row in rows) or len({len(row) for row in rows}) > 1:
        found = f"joints of shapes {', '.join(str(row.shape) for row in rows)}"
        raise ShapeError(
            path, found, "one list of numbers for each person, all of the same length", "export the frame again"
        )
    return reshape_rows(np.stack(rows), path) if rows else np.zeros((0, 0, 3))


GAIT3D = FrameFiles("gait3d", "Gait3D, one text file per frame", "*[0-9].txt", "", _read_text)
GREW = FrameFiles("grew", "GREW, one text file per frame", "*_2d_pose.txt", "_2d_pose", _read_text)
OPENPOSE = FrameFiles(
    "openpose", "OpenPose, one JSON file per frame", "*.json", "_keypoints", _read_people, may_share=True
)
OUMVLP = FrameFiles(
    "oumvlp",
    "OU-MVLP Pose (AlphaPose or OpenPose), one JSON file per frame",
    "*.json",
    "_keypoints",
    _read_people,
    re.compile(r".*/\d{5}/(\d{3}_\d{2}|\d{2}/\d{3})"),
)
