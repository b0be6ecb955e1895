"""Sequences on disk: one interface to pickle trees, HDF5 stores and pairs.

The names below are imported on first use. Names of storage backends are therefore available without numpy and h5py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "backends": ("BACKENDS", "Backend"),
    "chunks": ("Chunk", "ChunkWriter", "SequenceInfo"),
    "opening": ("open_any", "open_pairs", "open_source"),
    "pickle_tree": ("PickleTree", "PickleTreeWriter"),
    "source": ("FrameChoice", "Key", "Modality", "SequenceSource"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f"skelgait.storage.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'skelgait.storage' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
