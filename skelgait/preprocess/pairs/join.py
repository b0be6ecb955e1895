"""Joining maps and silhouettes by identity, condition and view."""

from __future__ import annotations

from typing import Literal

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.pairs.frames import OnMismatch, UnmatchedError, pair_frames
from skelgait.preprocess.pairs.offset import FrameOffset, FrameOffsetSetting, find_frame_offset
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
    frame_offset: FrameOffsetSetting = 0,
    advance: Advance | None = None,
) -> Pairing:
    """Join maps and silhouettes by identity, condition and view, and pair their frames.

    Args:
        maps: skeleton maps.
        silhouettes: silhouettes.
        on_mismatch: treatment of sequences with different numbers of maps and silhouettes. `skip` leaves them out;
            `trim` shortens both to the shorter length; `match-by-frame` pairs frames with the same number in their
            names, in all sequences whose frames have names; `error` raises an error.
        frame_offset: number added to the frame numbers of the maps, for `match-by-frame`; `auto` finds it by the
            movement of the legs in maps and silhouettes.
        advance: called with the number of compared sequences.

    Raises:
        SettingsError: if `frame_offset` is not 0 without `match-by-frame`.
        DataError: if the numbers of frames differ and `on_mismatch` is `error`, if maps and silhouettes have
            different frame rates, or if the frame offset is not clear.
    """
    advance = advance or no_progress
    offset = _frame_offset(maps, silhouettes, on_mismatch, frame_offset)
    map_keys, silhouette_keys = set(maps.keys), set(silhouettes.keys)
    sequences = []
    for key in sorted(map_keys | silhouette_keys):
        if key not in silhouette_keys:
            sequences.append(_single(key, maps, "maps"))
        elif key not in map_keys:
            sequences.append(_single(key, silhouettes, "silhouettes"))
        else:
            sequences.append(_compare(key, maps, silhouettes, on_mismatch, offset))
        advance(1)
    pairing = Pairing(tuple(sequences), offset)
    unequal = pairing.with_outcome("unequal")
    if on_mismatch == "error" and unequal:
        raise _unequal_error(silhouettes, unequal[0], len(unequal))
    return pairing


def _frame_offset(
    maps: SequenceSource, silhouettes: SequenceSource, on_mismatch: OnMismatch, frame_offset: FrameOffsetSetting
) -> FrameOffset:
    if frame_offset != 0 and on_mismatch != "match-by-frame":
        hint = "add --on-mismatch match-by-frame, or remove --frame-offset"
        raise SettingsError(f"--frame-offset {frame_offset}", f"--on-mismatch {on_mismatch}", "match-by-frame", hint)
    return find_frame_offset(maps, silhouettes) if frame_offset == "auto" else FrameOffset(frame_offset)


def _single(key: Key, source: SequenceSource, side: Literal["maps", "silhouettes"]) -> SequencePairing:
    """Return the outcome of a sequence that only one side has."""
    outcome: Outcome = "no silhouettes" if side == "maps" else "no maps"
    try:
        length = source.length(key)
    except DataError as error:
        return SequencePairing(key, outcome, reason=f"{outcome}, and {error}")
    return SequencePairing(key, outcome, *((length, None) if side == "maps" else (None, length)))


def _compare(
    key: Key, maps: SequenceSource, silhouettes: SequenceSource, on_mismatch: OnMismatch, offset: FrameOffset
) -> SequencePairing:
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
        frame_pairs = pair_frames(on_mismatch, *lengths, *names, offset.value)
    except UnmatchedError as error:
        return SequencePairing(key, "unequal", *lengths, str(error))
    if frame_pairs is None:
        reason = (
            "in order, because maps or silhouettes have no frame names" if by_name and None in names else offset.note
        )
        return SequencePairing(key, "paired", *lengths, reason)
    outcome: Outcome = "matched" if by_name else "trimmed"
    note = f", with {offset.note}" if offset.note else ""
    origin = _origin(key, maps, silhouettes, outcome, frame_pairs) + note
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
