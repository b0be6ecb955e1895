"""Person tracks: frames and joints of each person in a sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.track_ids import NO_ID
from skelgait.raw.poses.track_joins import join_tracklets
from skelgait.raw.poses.tracker import track_people
from skelgait.raw.poses.tracklets import Tracklet


@dataclass(frozen=True)
class PersonTrack:
    """Frames of one person in a sequence.

    Attributes:
        frames: indices of the frames with the person, ascending.
        persons: index of the person among the people of each of these frames.
        ids: track ids of the person in the file, in the order of time; empty if there are none.
        joins: number of joins: of a changed track id, or after an occlusion.
    """

    frames: Sequence[int]
    persons: Sequence[int]
    ids: Sequence[int] = ()
    joins: int = 0


def find_tracks(sequence: RawSequence) -> list[PersonTrack]:
    """Return the person tracks of a sequence, in the order of their first frame.

    Track ids of the estimator are used where they fit the motion. A track ends where a person would leap or change
    size. Tracks of one person before and after an occlusion are joined. Each person of each frame is in one track. If
    each frame has one person by definition, there is one track.
    """
    if sequence.is_one_person:
        frames = [t for t, people in enumerate(sequence.people) if len(people)]
        return [PersonTrack(frames, [0] * len(frames))] if frames else []
    return [_to_track(chain) for chain in join_tracklets(track_people(sequence.people, sequence.tracks))]


def count_splits(tracks: Sequence[PersonTrack]) -> int:
    """Return the number of track ids of the file that are split among several person tracks, less one each."""
    n_tracks = Counter(track_id for track in tracks for track_id in set(track.ids))
    return sum(n - 1 for n in n_tracks.values())


def _to_track(chain: Sequence[Tracklet]) -> PersonTrack:
    changes = sum(_count_changes(tracklet.ids) for tracklet in chain)
    return PersonTrack(
        [frame for tracklet in chain for frame in tracklet.frames],
        [person for tracklet in chain for person in tracklet.persons],
        list(dict.fromkeys(n for tracklet in chain for n in tracklet.ids if n != NO_ID)),
        len(chain) - 1 + changes,
    )


def _count_changes(ids: Sequence[int]) -> int:
    return sum(a != b for a, b in pairwise(n for n in ids if n != NO_ID))
