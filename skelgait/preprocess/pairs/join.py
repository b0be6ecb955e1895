"""Two sources, joined by identity, condition and view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from skelgait.errors import DataError
from skelgait.preprocess.pairs.frames import OnMismatch, UnmatchedError, frames_that_pair
from skelgait.preprocess.pairs.outcome import Outcome, Pairing, SequencePairing
from skelgait.preprocess.pairs.rates import check_rates
from skelgait.storage import Key, SequenceSource
from skelgait.storage.pairs import Cut


def pair_sequences(
    maps: SequenceSource,
    silhouettes: SequenceSource,
    advance: Callable[[int], None] = lambda _: None,
    *,
    on_mismatch: OnMismatch = "skip",
) -> Pairing:
    """Join maps and silhouettes by identity, condition and view, and compare their frames.

    Args:
        maps: the skeleton maps.
        silhouettes: the silhouettes.
        advance: told how many sequences have been looked at since the last call.
        on_mismatch: what becomes of sequences whose numbers of frames differ: `skip` leaves them out; `trim` cuts both
            to the length of the shorter one; `match-by-frame` pairs the frames whose names bear the same number, in all
            sequences whose frames have names; `error` raises.

    Raises:
        DataError: with `error`, the numbers of frames of a sequence differ; or maps and silhouettes are of two rates.
    """
    map_keys, silhouette_keys = set(maps.keys), set(silhouettes.keys)
    sequences = []
    for key in sorted(map_keys | silhouette_keys):
        if key not in silhouette_keys:
            sequences.append(_alone(key, maps, "maps"))
        elif key not in map_keys:
            sequences.append(_alone(key, silhouettes, "silhouettes"))
        else:
            sequences.append(_compare(key, maps, silhouettes, on_mismatch))
        advance(1)
    pairing = Pairing(tuple(sequences))
    unequal = pairing.of("unequal")
    if on_mismatch == "error" and unequal:
        raise _unequal(silhouettes, unequal[0], len(unequal))
    return pairing


def _alone(key: Key, source: SequenceSource, side: Literal["maps", "silhouettes"]) -> SequencePairing:
    """What becomes of a sequence of which there is nothing but one side."""
    outcome: Outcome = "no silhouettes" if side == "maps" else "no maps"
    try:
        length = source.length(key)
    except DataError as error:
        return SequencePairing(key, outcome, reason=f"{outcome}, and {error}")
    return SequencePairing(key, outcome, *((length, None) if side == "maps" else (None, length)))


def _compare(key: Key, maps: SequenceSource, silhouettes: SequenceSource, on_mismatch: OnMismatch) -> SequencePairing:
    """What becomes of a sequence that both have."""
    by_name = on_mismatch == "match-by-frame"
    try:
        lengths = maps.length(key), silhouettes.length(key)
        # Names stay with the frames that are left.
        has_names = by_name or (on_mismatch == "trim" and lengths[0] != lengths[1])
        names = (maps.frame_names(key), silhouettes.frame_names(key)) if has_names else (None, None)
    except DataError as error:
        return SequencePairing(key, "unreadable", reason=str(error))
    check_rates(key, maps, silhouettes)
    try:
        cut = frames_that_pair(on_mismatch, *lengths, *names)
    except UnmatchedError as error:
        return SequencePairing(key, "unequal", *lengths, str(error))
    if cut is None:
        reason = "as they lie, as the frames of one side or both have no names" if by_name and None in names else ""
        return SequencePairing(key, "paired", *lengths, reason)
    outcome: Outcome = "matched" if by_name else "trimmed"
    return SequencePairing(key, outcome, *lengths, _origin(key, maps, silhouettes, outcome, cut), cut)


def _origin(key: Key, maps: SequenceSource, silhouettes: SequenceSource, outcome: Outcome, cut: Cut) -> str:
    """Where the frames of a sequence come from; what is cut to these frames is the same for as long as this is."""
    first, second = (source.path.resolve().joinpath(*key, source.name(key)) for source in (maps, silhouettes))
    n = len(cut.maps)
    if outcome == "trimmed":
        return f"the first {n} frames of {first} and {second}"
    return f"the {n} frames that both {first} and {second} have"


def _unequal(silhouettes: SequenceSource, first: SequencePairing, count: int) -> DataError:
    others = "" if count == 1 else f", the first of {count} such sequences"
    found = f"{first.silhouettes} silhouettes but {first.maps} maps{others}"
    hint = "choose what becomes of them with --on-mismatch: skip, trim or match-by-frame"
    return DataError(silhouettes.path.joinpath(*first.key), found, "as many silhouettes as maps", hint)
