"""Sequences on disk: one interface to pickle trees, HDF5 stores and pairs.

The names below are imported on first use. Names of storage backends are therefore available without numpy and h5py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skelgait import _lazy

if TYPE_CHECKING:
    from skelgait.storage.backends import BACKENDS, Backend
    from skelgait.storage.chunks import Chunk, ChunkWriter, SequenceInfo
    from skelgait.storage.opening import open_any, open_pairs, open_source
    from skelgait.storage.pickle_tree import PickleTree, PickleTreeWriter
    from skelgait.storage.source import FrameChoice, Key, Modality, SequenceSource

__all__ = [
    "BACKENDS",
    "Backend",
    "Chunk",
    "ChunkWriter",
    "FrameChoice",
    "Key",
    "Modality",
    "PickleTree",
    "PickleTreeWriter",
    "SequenceInfo",
    "SequenceSource",
    "open_any",
    "open_pairs",
    "open_source",
]

# Hidden from type checkers: they would accept any name, even a misspelled one.
if not TYPE_CHECKING:
    __getattr__ = _lazy(
        __name__,
        {
            "BACKENDS": "backends",
            "Backend": "backends",
            "Chunk": "chunks",
            "ChunkWriter": "chunks",
            "FrameChoice": "source",
            "Key": "source",
            "Modality": "source",
            "PickleTree": "pickle_tree",
            "PickleTreeWriter": "pickle_tree",
            "SequenceInfo": "chunks",
            "SequenceSource": "source",
            "open_any": "opening",
            "open_pairs": "opening",
            "open_source": "opening",
        },
    )
