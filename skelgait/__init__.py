"""Gait recognition from skeletons: skeleton maps, SkeletonGait and SkeletonGait++.

The public names below are imported when they are first used, so that `import skelgait` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_ROOMS = {
    "SkelgaitError": "errors",
    "Key": "storage",
    "open_source": "storage",
    "open_pairs": "storage",
    "open_any": "storage",
    "skeleton_maps": "maps",
    "draw_maps": "maps.on_device",
    "inspect_path": "inspection",
    "open_raw": "raw.poses",
    "collect_poses": "preprocess.poses",
    "align_dataset": "preprocess.silhouettes",
    "draw_dataset": "preprocess.maps",
    "convert_store": "preprocess.convert",
    "pair_sequences": "preprocess.pairs",
    "write_pairs": "preprocess.pairs",
    "load_settings": "settings",
    "read_protocol": "settings",
    "build_network": "models",
    "train": "training",
    "load_checkpoint": "checkpoints.checkpoint",
    "embed": "embeddings",
    "InferenceOptions": "embeddings",
    "open_embeddings": "embeddings",
    "write_embeddings": "embeddings",
    "score": "evaluation",
    "distance_matrix": "matching.distances",
    "MatchingOptions": "matching.options",
    "Reranking": "matching.options",
    "register_distance": "matching.registry",
    "identify": "evaluation.identification",
    "learn_threshold": "evaluation.identification",
    "compare_reports": "reports.compare",
    "custom_protocol": "datasets",
    "find": "datasets",
    "write_walkers": "synth",
}

__all__ = ["__version__", *_ROOMS]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'skelgait' has no attribute '{name}'")
    return getattr(import_module(f"skelgait.{_ROOMS[name]}"), name)
