"""Videos at paths, cameras and addresses, and the sequences that they are named as."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from skelgait.errors import DataError
from skelgait.raw.file_tree import Folder, list_files, walk_folders
from skelgait.raw.keys import DEFAULT_LABEL, PathParts, sequence_keys
from skelgait.storage import Key
from skelgait.storage.times import joint_time_ns

VIDEO_SUFFIXES = frozenset(
    (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".3gp", ".ts", ".mts", ".flv", ".ogv")
)
IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"))
_HINT = "check the path, or convert it: ffmpeg -i INPUT video.mp4"


class VideoSource(NamedTuple):
    """Video before it is opened.

    Attributes:
        location: path of a file or of a folder of images, number of a camera, or address of a stream.
        kind: kind of the location.
    """

    location: str
    kind: Literal["file", "images", "stream"]

    @property
    def name(self) -> str:
        """Location without the user and password of an address, for messages and files."""
        parts = urlsplit(self.location)
        if self.kind != "stream" or "@" not in parts.netloc:
            return self.location
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def image_files(self) -> list[Path]:
        """Return the images of a folder in natural order."""
        return [path for path in list_files(Path(self.location), "*") if path.suffix.lower() in IMAGE_SUFFIXES]

    def modified_ns(self) -> int:
        """Return a time that changes with the files of the video, in nanoseconds since the epoch; 0 for a stream."""
        if self.kind == "stream":
            return 0
        files = self.image_files() if self.kind == "images" else [Path(self.location)]
        try:
            return joint_time_ns([path.stat().st_mtime_ns for path in files])
        except OSError as error:
            raise DataError(self.name, error.strerror or str(error), "a readable video", _HINT) from error


def find_videos(locations: Sequence[str], names: str | None = None) -> dict[Key, VideoSource]:
    """Return the videos at some locations by the sequence that each is named as, sorted.

    The key of a video is that of its path without suffix, below the folder that is given, see
    `skelgait.raw.keys.sequence_keys`. A camera is `camera0` and the time, a stream its host and the time.

    Args:
        locations: video files, folders of videos or of images, number of a camera, and address of a stream.
        names: template of the paths with {identity}, {condition} and {view}. Default: recognize.

    Raises:
        DataError: if there is no video, two videos have the same key, or there is more than one camera or stream.
        SettingsError: if `names` does not match a path.
    """
    found: dict[Key, VideoSource] = {}
    files = [Path(location) for location in locations if not stream_at(location) and not Path(location).is_dir()]
    groups = [_streams(locations), _files(files, names)] if files else [_streams(locations)]
    groups += [_in_folder(Path(location), names) for location in locations if Path(location).is_dir()]
    for group in groups:
        for key, source in group.items():
            if key in found:
                duplicate = f"{found[key].location} and this video, both with the key {key}"
                raise DataError(
                    source.location, duplicate, "each sequence once", "name them with --names, or rename one"
                )
            found[key] = source
    return dict(sorted(found.items()))


def name_video(path: Path, root: Path, names: str | None = None) -> tuple[Key, VideoSource]:
    """Return the key of a video file in the folder `root`, and the video; see `find_videos`."""
    ((key, source),) = _named({path.relative_to(root): VideoSource(str(path), "file")}, root, names).items()
    return key, source


def stream_at(location: str) -> VideoSource | None:
    """Return the camera of a number, or the stream at an address; None for any other text, and for an existing path."""
    is_stream = not Path(location).exists() and re.fullmatch(r"\d{1,2}|[a-z][a-z0-9+.-]*://.+", location)
    return VideoSource(location, "stream") if is_stream else None


def _streams(locations: Sequence[str]) -> dict[Key, VideoSource]:
    streams = list(filter(None, map(stream_at, locations)))
    if len(streams) > 1:
        # Each lasts until Ctrl-C, so the second would never be read.
        raise DataError(streams[1].name, "a second camera or stream", "at most one", "run the command for each of them")
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return {Key(_host(stream.location), now, DEFAULT_LABEL): stream for stream in streams}


def _host(location: str) -> str:
    return f"camera{location}" if location.isdigit() else urlsplit(location).hostname or "stream"


def _files(files: Sequence[Path], names: str | None) -> dict[Key, VideoSource]:
    for path in files:
        if not path.is_file():
            raise DataError(path, "no such file or folder", "a video, a folder, a camera number or an address", _HINT)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            hint = "pass the folder of the images"
            raise DataError(path, "one image", "a video, or a folder of images", hint)
    root = Path(os.path.commonpath([path.absolute().parent for path in files]))
    return _named({path.absolute().relative_to(root): VideoSource(str(path), "file") for path in files}, root, names)


def _in_folder(root: Path, names: str | None) -> dict[Key, VideoSource]:
    videos: dict[Path, VideoSource] = {}
    for folder in walk_folders(root, "*"):
        files = [folder.path / name for name in folder.names if Path(name).suffix.lower() in VIDEO_SUFFIXES]
        videos.update({Path(*folder.parts, path.name): VideoSource(str(path), "file") for path in files})
        if not files and _has_images(folder):
            videos[Path(*folder.parts)] = VideoSource(str(folder.path), "images")
    if not videos:
        raise DataError(root, "no video and no image", f"files such as {'.mp4, .avi, .mov, .png'}", _HINT)
    return _named(videos, root, names)


def _has_images(folder: Folder) -> bool:
    return any(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in folder.names)


def _named(videos: Mapping[Path, VideoSource], root: Path, names: str | None) -> dict[Key, VideoSource]:
    parts: dict[PathParts, VideoSource] = {}
    for path, source in videos.items():
        stem = path.with_suffix("") if source.kind == "file" else path
        if stem.parts in parts:
            duplicate = f"{parts[stem.parts].location} too, of the same name"
            raise DataError(source.location, duplicate, "each name once", "rename one of them")
        parts[stem.parts] = source
    return {key: parts[path] for key, path in sequence_keys(parts, root, names).items()}
