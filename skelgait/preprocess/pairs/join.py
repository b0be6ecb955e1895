"""Joining maps and silhouettes by identity, condition and view."""

from __future__ import annotations

from typing import Literal

from skelgait.errors import DataError
from skelgait.preprocess.pairs.frames import OnMismatch, UnmatchedError, pair_frames
from skelgait.preprocess.pairs.outcome import Outcome, Pairing, SequencePairing
from skelgait.preprocess.pairs.rates import check_rates
from skelgait.runtime.advance import Advance, no_progress
from skelgait.storage import Key, SequenceSource
from skelgait.storage.pairs import FramePairs


def pair_sequences(
    maps: SequenceSource,
    silhouettes: SequenceSource,
    *,
    on_mismatch: OnMismatch = "skip",
    advance: Advance | None = None,
) -> Pairing:
    """Join maps and silhouettes by identity, condition and view, and pair their frames.

    Args:
        maps: skeleton maps.
        silhouettes: silhouettes.
        on_mismatch: treatment of sequences with different numbers of maps and silhouettes. `skip` leaves them out;
            `trim` shortens both to the shorter length; `match-by-frame` pairs frames with the same number in their
            names, in all sequences whose frames have names; `error` raises an error.
        advance: called with the number of compared sequences.

    Raises:
        DataError: if the numbers of frames differ and `on_mismatch` is `error`, or if maps and silhouettes have
            different frame rates.
    """
    advance = advance or no_progress
    map_keys, silhouette_keys = set(maps.keys), set(silhouettes.keys)
    sequences = []
    for key in sorted(map_keys | silhouette_keys):
        if key not in silhouette_keys:
            sequences.append(_single(key, maps, "maps"))
        elif key not in map_keys:
            sequences.append(_single(key, silhouettes, "silhouettes"))
        else:
            sequences.append(_compare(key, maps, silhouettes, on_mismatch))
        advance(1)
    pairing = Pairing(tuple(sequences))
    unequal = pairing.with_outcome("unequal")
    if on_mismatch == "error" and unequal:
        raise _unequal_error(silhouettes, unequal[0], len(unequal))
    return pairing


def _single(key: Key, source: SequenceSource, side: Literal["maps", "silhouettes"]) -> SequencePairing:
    """Return the outcome of a sequence that only one side has."""
    outcome: Outcome = "no silhouettes" if side == "maps" else "no maps"
    try:
        length = source.length(key)
    except DataError as error:
        return SequencePairing(key, outcome, reason=f"{outcome}, and {error}")
    return SequencePairing(key, outcome, *((length, None) if side == "maps" else (None, length)))


def _compare(key: Key, maps: SequenceSource, silhouettes: SequenceSource, on_mismatch: OnMismatch) -> SequencePairing:
    """Return the outcome of a sequence that both sides have."""
    by_name = on_mismatch == "match-by-frame"
    try:
        lengths = maps.length(key), silhouettes.length(key)
        # Trimmed frames keep their names, so unreadable names are an error for `trim` too.
        needs_names = by_name or (on_mismatch == "trim" and lengths[0] != lengths[1])
        names = (maps.frame_names(key), silhouettes.frame_names(key)) if needs_names else (None, None)
    except DataError as error:
        return SequencePairing(key, "unreadable", reason=str(error))
    check_rates(key, maps, silhouettes)
    try:
        frame_pairs = pair_frames(on_mismatch, *lengths, *names)
    except UnmatchedError as error:
        return SequencePairing(key, "unequal", *lengths, str(error))
    if frame_pairs is None:
        reason = "in order, because maps or silhouettes have no frame names" if by_name and None in names else ""
        return SequencePairing(key, "paired", *lengths, reason)
    outcome: Outcome = "matched" if by_name else "trimmed"
    origin = _origin(key, maps, silhouettes, outcome, frame_pairs)
    return SequencePairing(key, outcome, *lengths, origin, frame_pairs)


def _origin(
    key: Key, maps: SequenceSource, silhouettes: SequenceSource, outcome: Outcome, frame_pairs: FramePairs
) -> str:
    """Describe the origin of paired frames. Files written from the same origin need not be written again."""
    first, second = (source.path.resolve().joinpath(*key, source.name(key)) for source in (maps, silhouettes))
    n = len(frame_pairs.maps)
    if outcome == "trimmed":
        return f"the first {n} frames of {first} and {second}"
    return f"the {n} frames that both {first} and {second} have"


def _unequal_error(silhouettes: SequenceSource, first: SequencePairing, count: int) -> DataError:
    others = "" if count == 1 else f", the first of {count} such sequences"
    found = f"{first.silhouettes} silhouettes but {first.maps} maps{others}"
    hint = "choose how to pair them with --on-mismatch skip, trim or match-by-frame"
    return DataError(silhouettes.path.joinpath(*first.key), found, "as many silhouettes as maps", hint)
