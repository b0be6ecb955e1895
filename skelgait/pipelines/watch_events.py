"""Events of `skelgait identify --watch`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skelgait.evaluation.identification import Candidate
from skelgait.storage import Key


@dataclass(frozen=True)
class WatchStart:
    """Begin of a watch.

    Attributes:
        location: folder, number of a camera, or address of a stream.
        gallery: path of the gallery.
        n_people: number of enrolled people.
        threshold: maximum distance of a known person; None: there is none.
    """

    location: str
    gallery: Path
    n_people: int
    threshold: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON data."""
        return {"event": "start", **asdict(self), "gallery": str(self.gallery)}


@dataclass(frozen=True)
class TrackMatch:
    """Match of a track: a provisional one while it runs, the match when it has ended.

    Attributes:
        video: path of the video, number of the camera, or address of the stream.
        probe: key of the sequence; its view ends with the number of the person.
        is_provisional: True while the track runs.
        time: date and time of the event in UTC, as ISO 8601.
        first_s: time of the first frame, in seconds since the begin of the video, or of the watch of a stream.
        last_s: time of the last frame.
        frames: number of frames up to now.
        candidates: enrolled people, nearest first; empty if the track cannot be identified.
        accepted: True if the nearest person is within the threshold, False if the person is unknown; None: there is no
            threshold, or the track cannot be identified.
        problem: why the track cannot be identified; empty: it can.
        marks: what makes the match uncertain.
    """

    video: str
    probe: Key
    is_provisional: bool
    time: str
    first_s: float
    last_s: float
    frames: int
    candidates: tuple[Candidate, ...] = ()
    accepted: bool | None = None
    problem: str = ""
    marks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON data; sequences are written as identity/condition/view."""
        candidates = [
            {"rank": rank, "identity": c.identity, "sequence": str(c.sequence), "distance": c.distance}
            for rank, c in enumerate(self.candidates, 1)
        ]
        facts = {name: value for name, value in vars(self).items() if name != "is_provisional"}
        event = "provisional" if self.is_provisional else "match"
        return {"event": event, **facts, "probe": str(self.probe), "candidates": candidates, "marks": list(self.marks)}


@dataclass(frozen=True)
class VideoEnd:
    """End of a video in a folder.

    Attributes:
        video: path of the video.
        frames: number of frames.
        tracks: number of people.
        problem: why it could not be read to its end; empty: it could.
        doubts: what makes its frames doubtful, each with a hint.
    """

    video: str
    frames: int
    tracks: int
    problem: str = ""
    doubts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON data."""
        return {"event": "video", **asdict(self)}


@dataclass
class WatchEnd:
    """End of a watch.

    Attributes:
        videos: number of videos read in a folder; None: a camera or stream.
        failed: number of videos that could not be read to their end.
        frames: number of frames read.
        skipped_frames: number of frames of a stream that came faster than they were read.
        drops: number of times that the stream dropped.
        known: number of tracks within the threshold.
        unknown: number of tracks beyond the threshold.
        nearest: number of tracks with a nearest person, if there is no threshold.
        unidentified: number of tracks that could not be identified.
        short_tracks: number of people in fewer than five frames, left out.
        seconds: duration of the watch.
    """

    videos: int | None = None
    failed: int = 0
    frames: int = 0
    skipped_frames: int = 0
    drops: int = 0
    known: int = 0
    unknown: int = 0
    nearest: int = 0
    unidentified: int = 0
    short_tracks: int = 0
    seconds: float = 0.0

    def count(self, match: TrackMatch) -> None:
        """Count a track that has ended."""
        self.known += match.accepted is True
        self.unknown += match.accepted is False
        self.nearest += match.accepted is None and not match.problem
        self.unidentified += bool(match.problem)

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON data."""
        return {"event": "end", **asdict(self)}


WatchEvent = WatchStart | TrackMatch | VideoEnd | WatchEnd
