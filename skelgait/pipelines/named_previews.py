"""Videos with the skeletons and the names of the identified people."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skelgait.evaluation.identification import Identified
from skelgait.storage import Key, SequenceSource
from skelgait.storage.names import file_stem
from skelgait.video.index import IndexedTrack
from skelgait.video.preview import DrawnTrack, write_preview
from skelgait.video.reading import open_video
from skelgait.video.sources import VideoSource, stream_at

log = logging.getLogger(__name__)

PosesByFrame = Mapping[int, NDArray[Any]]
"""Joints (17, 3) of a person by index of the frame."""

_FOLDER = Path("previews")


def poses_by_frame(stored: SequenceSource, keys: Sequence[Key]) -> dict[Key, PosesByFrame]:
    """Read the poses of people in videos by the frames that they are from.

    Args:
        stored: poses.
        keys: sequences of people in videos.

    Raises:
        DataError: if a sequence cannot be read.
    """
    return {
        key: {int(name): body for name, body in zip(stored.frame_names(key) or (), stored.read(key)[0], strict=False)}
        for key in keys
    }


def write_named_previews(
    results: Sequence[Identified], tracks: Mapping[Key, IndexedTrack], poses: Mapping[Key, PosesByFrame]
) -> list[Path]:
    """Write each video again with skeletons, track numbers and names into the folder `previews`.

    Args:
        results: identification of each probe.
        tracks: facts of the probes that are from videos.
        poses: their poses, see `poses_by_frame`.

    Returns:
        Written files.

    Raises:
        DataError: if a video cannot be read, or a file cannot be written.
    """
    videos: dict[str, list[Identified]] = {}
    for result in results:
        if result.probe in poses:
            videos.setdefault(tracks[result.probe].video, []).append(result)
    files = []
    for video, people in videos.items():
        path = Path(video)
        if stream_at(video):
            log.warning("%s: found a stream, which is not seen twice; it has no preview", video)
            continue
        if not path.exists():
            log.warning("%s: found no such video; it has no preview", video)
            continue
        drawn = [DrawnTrack(_label(result), poses[result.probe]) for result in people]
        key = people[0].probe
        files.append(_FOLDER / f"{file_stem(key._replace(view=key.view.rpartition('-p')[0]))}-names.mp4")
        write_preview(files[-1], open_video(VideoSource(video, "images" if path.is_dir() else "file")), drawn)
    if not videos:
        log.warning("found no probe from a video; there is no preview")
    return files


def _label(result: Identified) -> str:
    """Return the number of the track and the name of the person, in characters that OpenCV can draw."""
    number = f"p{result.probe.view.rpartition('-p')[2]}"
    name = "unknown" if result.accepted is False else result.candidates[0].identity
    return f"{number} {name}".encode("ascii", "replace").decode()
