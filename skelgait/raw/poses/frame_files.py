"""Layouts in which a sequence is a folder with a file a frame: texts of Gait3D and GREW, JSON of OpenPose's form."""

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
from skelgait.raw.poses.layout import RawSequence


class Frames(NamedTuple):
    """The frames of a sequence: a folder, the pattern of its files, and how they begin if it holds several videos."""

    folder: Path
    pattern: str
    video: str | None = None


@dataclass(frozen=True)
class FrameFiles:
    """A `Layout`: folders with a file a frame.

    Attributes:
        name: what `--layout` calls it.
        title: what it is.
        pattern: of the frames' files.
        suffix: what follows the name of a frame in the name of its file.
        read_frame: the people in a frame, (M, V, 3); raises a DataError where the file is no frame.
        folders: what the paths of such folders look like.
        may_share: whether a folder may hold several videos, whose frames begin with the video's name.
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
        fitting = [path for path in sample if path.match(self.pattern)]
        if not fitting or not self.folders.fullmatch(fitting[0].absolute().parent.as_posix()):
            return False
        try:
            self.read_frame(fitting[0])
        except DataError:
            return False
        return True

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Frames]:
        """See `Layout.find`."""
        wanted, found = pattern or self.pattern, dict[PathParts, Frames]()
        for folder in walk_folders(root, wanted):
            videos = sorted(set(map(self._video, folder.names))) if self.may_share else []
            if len(videos) < 2:
                found[folder.parts] = Frames(folder.path, wanted)
                continue
            for video in videos:
                found[(*folder.parts, video.rstrip("_- ") or DEFAULT_LABEL)] = Frames(folder.path, wanted, video)
        return found

    def files(self, place: Frames) -> Sequence[Path]:
        """See `Layout.files`."""
        files = list_files(place.folder, place.pattern)
        return files if place.video is None else [path for path in files if self._video(path.name) == place.video]

    def _video(self, name: str) -> str:
        """What stands before the number of a frame."""
        stem = name.rpartition(".")[0].removesuffix(self.suffix)
        return re.sub(r"[0-9]+$", "", stem)

    def read(self, place: Frames) -> RawSequence:
        """See `Layout.read`."""
        files = self.files(place)
        names = [path.name.removesuffix(path.suffix).removesuffix(self.suffix) for path in files]
        return RawSequence([self.read_frame(path) for path in files], names)


def _read_text(path: Path) -> NDArray[np.float64]:
    """One person: two leading values, then x, y and confidence of each joint, with commas between them."""
    try:
        values = np.array(path.read_text(encoding="utf-8").replace("\n", ",").strip(", ").split(","), np.float64)
    except (OSError, ValueError) as error:
        raise DataError(path, str(error), "numbers with commas between them", "export the frame again") from error
    return reshape_rows(values[None], path)


def _read_people(path: Path) -> NDArray[np.float64]:
    """The people of a frame in OpenPose's form."""
    content = read_json(path)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise DataError(path, "no list of people", 'a JSON object {"people": [...]}', "export the frame again")
    rows = [to_numbers(person.get("pose_keypoints_2d"), path) for person in people]
    if any(row.ndim != 1 for row in rows) or len({len(row) for row in rows}) > 1:
        found = f"joints of shapes {', '.join(str(row.shape) for row in rows)}"
        raise ShapeError(path, found, "one row of numbers for each person, of one length", "export the frame again")
    return reshape_rows(np.stack(rows), path) if rows else np.zeros((0, 0, 3))


GAIT3D = FrameFiles("gait3d", "Gait3D, a text file a frame", "*[0-9].txt", "", _read_text)
GREW = FrameFiles("grew", "GREW, a text file a frame", "*_2d_pose.txt", "_2d_pose", _read_text)
OPENPOSE = FrameFiles(
    "openpose", "folders of OpenPose, a JSON file a frame", "*.json", "_keypoints", _read_people, may_share=True
)
OUMVLP = FrameFiles(
    "oumvlp",
    "OU-MVLP Pose, AlphaPose or OpenPose",
    "*.json",
    "_keypoints",
    _read_people,
    re.compile(r".*/\d{5}/(\d{3}_\d{2}|\d{2}/\d{3})"),
)
