"""Maps and silhouettes of one sequence, joined by key; what does not match is named."""

from skelgait.pairing.frames import OnMismatch
from skelgait.pairing.join import pair_sequences
from skelgait.pairing.outcome import OUTCOMES, Outcome, Pairing, SequencePairing
from skelgait.pairing.report import REPORT_FILE
from skelgait.pairing.write import write_pairs

__all__ = [
    "OUTCOMES",
    "REPORT_FILE",
    "OnMismatch",
    "Outcome",
    "Pairing",
    "SequencePairing",
    "pair_sequences",
    "write_pairs",
]
