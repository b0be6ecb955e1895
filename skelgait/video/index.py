"""Index of the videos that a folder of poses was made from: size, frames per second, and quality of each sequence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from skelgait.errors import reading
from skelgait.storage import Key
from skelgait.storage.atomic import write_text
from skelgait.storage.format_version import check_format
from skelgait.video.quality import Quality

INDEX_FILE = "video.json"
FORMAT = 1

Index = dict[str, dict[str, Any]]
"""For each finished video, by its key as text: `source`, `modified_ns`, `fps`, `width`, `height`, `frames`, and
`sequences`: by key as text, first and last time in the video, and quality."""


def read_index(poses: Path) -> Index:
    """Read the index of a folder of poses; empty if there is none.

    Raises:
        DataError: if it is damaged, or was written by a newer skelgait.
    """
    path = poses / INDEX_FILE
    if not path.is_file():
        return {}
    with reading(
        path, "an index of videos", "remove it, and run `skelgait video` again", "a damaged file", (TypeError,)
    ):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("no object")
        check_format(path, content.get("format"), FORMAT)
        videos = content.get("videos")
        if not isinstance(videos, dict) or not all(isinstance(video, dict) for video in videos.values()):
            raise ValueError("no videos")
        return videos


def write_index(poses: Path, index: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the index of a folder of poses, atomically."""
    content = {"format": FORMAT, "videos": dict(sorted(index.items()))}
    write_text(poses / INDEX_FILE, json.dumps(content, indent=1) + "\n")


class IndexedTrack(NamedTuple):
    """Sequence of a person in a video.

    Attributes:
        video: name of the video.
        first_s: time of the first frame in the video, in seconds.
        last_s: time of the last frame.
        quality: quality of the track.
    """

    video: str
    first_s: float
    last_s: float
    quality: Quality


def read_tracks(poses: Path) -> dict[Key, IndexedTrack]:
    """Return the sequences of a folder of poses that are from videos; empty if there are none.

    Raises:
        DataError: if the index is damaged.
    """
    tracks = {}
    hint = "remove it, and run `skelgait video` again"
    with reading(
        poses / INDEX_FILE, "an index of videos", hint, "a damaged file", (LookupError, TypeError, AttributeError)
    ):
        for video in read_index(poses).values():
            for name, facts in video.get("sequences", {}).items():
                quality = Quality(**{**facts["quality"], "marks": tuple(facts["quality"]["marks"])})
                times = float(facts["first_s"]), float(facts["last_s"])
                tracks[Key(*name.split("/"))] = IndexedTrack(str(video["source"]), *times, quality)
    return tracks
