"""Gait recognition from skeletons: skeleton maps, SkeletonGait and SkeletonGait++.

Public names are imported on first use, so `import skelgait` loads neither torch nor numba.
"""

from collections.abc import Callable as _Callable
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skelgait.checkpoints.checkpoint import Checkpoint, load_checkpoint
    from skelgait.checkpoints.describe import describe_checkpoint
    from skelgait.datasets import custom_protocol, find_dataset
    from skelgait.embeddings.embeddings import Embeddings
    from skelgait.embeddings.extraction import InferenceOptions, embed
    from skelgait.embeddings.file import open_embeddings, write_embeddings
    from skelgait.errors import CheckpointError, DataError, ProtocolError, SettingsError, ShapeError, SkelgaitError
    from skelgait.evaluation import EvaluationReport, score
    from skelgait.evaluation.identification import identify
    from skelgait.evaluation.threshold import learn_threshold
    from skelgait.inspection import inspect_path
    from skelgait.losses import GaitLoss, register_loss
    from skelgait.maps import skeleton_maps
    from skelgait.maps.on_device import draw_maps
    from skelgait.matching.distances import distance_matrix
    from skelgait.matching.options import MatchingOptions, Reranking
    from skelgait.matching.registry import register_distance
    from skelgait.models import GaitNetwork, build_network, register_network
    from skelgait.models.inputs import scale_frames
    from skelgait.pipelines.embedder import Embedder
    from skelgait.pipelines.export import export_checkpoint
    from skelgait.preprocess.convert import convert_store
    from skelgait.preprocess.maps import draw_dataset
    from skelgait.preprocess.pairs import pair_sequences, write_pairs
    from skelgait.preprocess.poses import collect_poses
    from skelgait.preprocess.silhouettes import align_dataset
    from skelgait.raw.poses import open_raw
    from skelgait.reports.compare import compare_reports
    from skelgait.sampling.batch import collate_clips
    from skelgait.sampling.batch_sampler import IdentityBatchSampler
    from skelgait.sampling.clips import Clips
    from skelgait.settings import load_settings, read_protocol
    from skelgait.storage import Key, SequenceSource, open_any, open_pairs, open_source
    from skelgait.synth import write_walkers
    from skelgait.training.train import train

__version__ = "0.1.0"

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "Clips",
    "DataError",
    "Embedder",
    "Embeddings",
    "EvaluationReport",
    "GaitLoss",
    "GaitNetwork",
    "IdentityBatchSampler",
    "InferenceOptions",
    "Key",
    "MatchingOptions",
    "ProtocolError",
    "Reranking",
    "SequenceSource",
    "SettingsError",
    "ShapeError",
    "SkelgaitError",
    "__version__",
    "align_dataset",
    "build_network",
    "collate_clips",
    "collect_poses",
    "compare_reports",
    "convert_store",
    "custom_protocol",
    "describe_checkpoint",
    "distance_matrix",
    "draw_dataset",
    "draw_maps",
    "embed",
    "export_checkpoint",
    "find_dataset",
    "identify",
    "inspect_path",
    "learn_threshold",
    "load_checkpoint",
    "load_settings",
    "open_any",
    "open_embeddings",
    "open_pairs",
    "open_raw",
    "open_source",
    "pair_sequences",
    "read_protocol",
    "register_distance",
    "register_loss",
    "register_network",
    "scale_frames",
    "score",
    "skeleton_maps",
    "train",
    "write_embeddings",
    "write_pairs",
    "write_walkers",
]

# The module of each public name. A test compares it with the imports above and with __all__.
_MODULES = {
    "Checkpoint": "checkpoints.checkpoint",
    "CheckpointError": "errors",
    "Clips": "sampling.clips",
    "DataError": "errors",
    "Embedder": "pipelines.embedder",
    "Embeddings": "embeddings.embeddings",
    "EvaluationReport": "evaluation",
    "GaitLoss": "losses",
    "GaitNetwork": "models",
    "IdentityBatchSampler": "sampling.batch_sampler",
    "InferenceOptions": "embeddings.extraction",
    "Key": "storage",
    "MatchingOptions": "matching.options",
    "ProtocolError": "errors",
    "Reranking": "matching.options",
    "SequenceSource": "storage",
    "SettingsError": "errors",
    "ShapeError": "errors",
    "SkelgaitError": "errors",
    "align_dataset": "preprocess.silhouettes",
    "build_network": "models",
    "collate_clips": "sampling.batch",
    "collect_poses": "preprocess.poses",
    "compare_reports": "reports.compare",
    "convert_store": "preprocess.convert",
    "custom_protocol": "datasets",
    "describe_checkpoint": "checkpoints.describe",
    "distance_matrix": "matching.distances",
    "draw_dataset": "preprocess.maps",
    "draw_maps": "maps.on_device",
    "embed": "embeddings.extraction",
    "export_checkpoint": "pipelines.export",
    "find_dataset": "datasets",
    "identify": "evaluation.identification",
    "inspect_path": "inspection",
    "learn_threshold": "evaluation.threshold",
    "load_checkpoint": "checkpoints.checkpoint",
    "load_settings": "settings",
    "open_any": "storage",
    "open_embeddings": "embeddings.file",
    "open_pairs": "storage",
    "open_raw": "raw.poses",
    "open_source": "storage",
    "pair_sequences": "preprocess.pairs",
    "read_protocol": "settings",
    "register_distance": "matching.registry",
    "register_loss": "losses",
    "register_network": "models",
    "scale_frames": "models.inputs",
    "score": "evaluation",
    "skeleton_maps": "maps",
    "train": "training.train",
    "write_embeddings": "embeddings.file",
    "write_pairs": "preprocess.pairs",
    "write_walkers": "synth",
}


def _lazy(package: str, modules: dict[str, str]) -> _Callable[[str], object]:
    """Return a module's `__getattr__` (PEP 562), which imports public names on first use.

    Args:
        package: name of the package.
        modules: module of each public name, relative to the package.
    """

    def import_name(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(_import_module(f"{package}.{modules[name]}"), name)

    return import_name


# Hidden from type checkers: they would accept any name, even a misspelled one.
if not TYPE_CHECKING:
    __getattr__ = _lazy(__name__, _MODULES)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
