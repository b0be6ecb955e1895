"""Facts and pictures of the person tracks of raw poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skelgait.raw.poses.body_motion import height_px
from skelgait.raw.poses.posture import is_present
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import find_tracks
from skelgait.raw.poses.walker_selection import RankedTrack, Selection, number_tracks, rank_tracks, select_walker
from skelgait.storage import Key
from skelgait.storage.names import file_stem
from skelgait.viz.plot_style import require_matplotlib
from skelgait.viz.track_plot import PlottedTrack, save_track_plot

# Tracks of fewer frames are not counted, and drawn in gray; as `--min-frames` of `poses`.
_MIN_FRAMES = 15
_MAX_PICTURES = 20
# Tracks with a color of their own.
_MAX_NAMED = 12


class People(NamedTuple):
    """Person tracks of a sequence by prominence, and the walker; None: nobody."""

    tracks: Sequence[RankedTrack]
    walker: Selection | None

    @property
    def certainty(self) -> float:
        """Certainty of the walker; 1 if there is nobody."""
        return 1.0 if self.walker is None or self.walker.certainty is None else self.walker.certainty


def find_people(sequence: RawSequence) -> People:
    """Return the person tracks of a sequence, and its walker."""
    tracks = rank_tracks(sequence, find_tracks(sequence))
    return People(tracks, select_walker(sequence, tracks))


def track_facts(people: Mapping[Key, People]) -> dict[str, object]:
    """Return numbers of tracks, and the least certain walker; empty if each sequence has one track."""
    if all(len(scene.tracks) <= 1 for scene in people.values()):
        return {}
    counts = [sum(len(item.track.frames) >= _MIN_FRAMES for item in scene.tracks) for scene in people.values()]
    key = min(people, key=lambda k: people[k].certainty)
    return {
        f"people with at least {_MIN_FRAMES} frames": f"{min(counts)} to {max(counts)} per sequence",
        "least certain walker": f"{key} (certainty {people[key].certainty:.2f})",
    }


def draw_tracks(folder: Path, people: Mapping[Key, People], sequences: Mapping[Key, RawSequence]) -> dict[str, object]:
    """Draw the tracks of the sequences with the least certain walkers; return the number and folder of the pictures.

    Args:
        folder: folder of the pictures; each is `<identity>_<condition>_<view>_tracks.png`.
        people: person tracks of each sequence.
        sequences: people of each frame of each sequence.

    Raises:
        SettingsError: if matplotlib is not installed.
        DataError: if a picture cannot be written.
    """
    require_matplotlib("--pictures")
    keys = sorted(people, key=lambda key: people[key].certainty)[:_MAX_PICTURES]
    for key in keys:
        scene, sequence = people[key], sequences[key]
        title = f"{key}: {len(sequence.people)} frames, certainty of the walker {scene.certainty:.2f}"
        save_track_plot(folder / f"{file_stem(key)}_tracks.png", title, _plotted(scene, sequence), len(sequence.people))
    more = f", of {len(people)} sequences those with the least certain walkers" if len(keys) < len(people) else ""
    return {"pictures": f"{len(keys)} in {folder}{more}"}


def _plotted(scene: People, sequence: RawSequence) -> list[PlottedTrack]:
    return [
        _plotted_track(n, item, sequence) for n, item in enumerate(number_tracks(scene.tracks, _MIN_FRAMES), start=1)
    ]


def _plotted_track(number: int, item: RankedTrack, sequence: RawSequence) -> PlottedTrack:
    track = item.track
    joints = [sequence.people[t][person] for t, person in zip(track.frames, track.persons, strict=True)]
    ids = f", id {', '.join(map(str, track.ids))}" if track.ids else ""
    is_named = len(track.frames) >= _MIN_FRAMES and number <= _MAX_NAMED
    return PlottedTrack(
        f"p{number}{' walker' if number == 1 else ''}{ids}: {len(track.frames)} frames" if is_named else "",
        np.array(track.frames),
        np.array([body[is_present(body), 0].mean() if is_present(body).any() else np.nan for body in joints]),
        np.array([height_px(body) for body in joints]),
    )
