"""Pairs of skeleton maps and silhouettes of the same sequences."""

from skelgait.preprocess.pairs.frames import OnMismatch
from skelgait.preprocess.pairs.join import pair_sequences
from skelgait.preprocess.pairs.offset import FrameOffset, find_frame_offset
from skelgait.preprocess.pairs.outcome import OUTCOMES, Outcome, Pairing, SequencePairing
from skelgait.preprocess.pairs.report import REPORT_FILE
from skelgait.preprocess.pairs.write import write_pairs

__all__ = [
    "OUTCOMES",
    "REPORT_FILE",
    "FrameOffset",
    "OnMismatch",
    "Outcome",
    "Pairing",
    "SequencePairing",
    "find_frame_offset",
    "pair_sequences",
    "write_pairs",
]
