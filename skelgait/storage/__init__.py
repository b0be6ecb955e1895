"""Sequences in and out of pickle trees and HDF5 stores, behind one interface."""

from skelgait.storage.opening import open_any, open_pairs, open_source
from skelgait.storage.pickle_tree import PickleTree, PickleTreeWriter
from skelgait.storage.source import FrameChoice, Key, Modality, SequenceSource

__all__ = [
    "FrameChoice",
    "Key",
    "Modality",
    "PickleTree",
    "PickleTreeWriter",
    "SequenceSource",
    "open_any",
    "open_pairs",
    "open_source",
]
