"""Every setting that there is, one model a command under one root; the sentence under a field is its help text.

A dotted key names a setting everywhere: `train.optimizer.learning_rate` in `skelgait.yaml` (nested), in `--set`,
in error messages, and as SKELGAIT_TRAIN__OPTIMIZER__LEARNING_RATE in the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, field_validator

from skelgait.datasets import find
from skelgait.errors import SettingsError
from skelgait.settings.base import StrictModel
from skelgait.settings.embedding import EmbedSettings
from skelgait.settings.evaluation import CompareSettings, EvaluateSettings
from skelgait.settings.identification import IdentifySettings
from skelgait.settings.training import TrainSettings
from skelgait.settings.types import (
    Count,
    Device,
    FolderPath,
    Pixels,
    Processes,
    Seed,
    Share,
    Storage,
    Strings,
)
from skelgait.storage.backends import BACKENDS, Compression

_STORAGE = f"Write {' or '.join(backend.description for backend in BACKENDS.values())}."
_COMPRESSION = "How frames are packed in HDF5: lz4hc is quick to read, gzip and none need no plugin in other programs."
_NAMES = (
    "How the paths of sequences are named, as '{identity}/{condition}/*/{view}', where * is anything; "
    "known forms are recognized where not given."
)


class PathsSettings(StrictModel):
    """Folders of the workspace, shared by all commands."""

    poses: FolderPath = Field(Path("poses"), description="Pose tree.")
    silhouettes: FolderPath = Field(Path("silhouettes"), description="Silhouette tree.")
    maps: FolderPath = Field(Path("maps"), description="Skeleton maps.")
    pairs: FolderPath = Field(Path("pairs"), description="Linked maps and silhouettes.")
    runs: FolderPath = Field(Path("runs"), description="Training runs, one folder each.")


class PosesSettings(StrictModel):
    """Poses from what a dataset or a pose estimator gives (`skelgait poses`)."""

    layout: str | None = Field(None, description="Form that the poses are in; recognized where not given.")
    names: str | None = Field(None, description=_NAMES)
    pattern: str | None = Field(None, description="Pattern of the files to read; the layout's own where not given.")
    person_index: FolderPath | None = Field(
        None, description="Folder with an index of the walker among several people, as OU-MVLP's users have it."
    )
    silhouette_images: FolderPath | None = Field(
        None, description="Folder of silhouettes in the image of the poses, to tell the walker from other people."
    )
    storage: Storage = Field("pkl", description=_STORAGE)
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    workers: Processes | None = Field(None, ge=1, description="Processes that read; one a core where not given.")
    overwrite: bool = Field(False, description="Write again what is there already.")


class SilhouettesSettings(StrictModel):
    """Aligned silhouettes from folders of PNG images (`skelgait silhouettes`)."""

    size_px: int = Field(64, ge=1, le=512, description="Side of an aligned silhouette, in pixels.")
    names: str | None = Field(None, description=_NAMES)
    storage: Storage = Field("pkl", description=_STORAGE)
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    workers: Processes | None = Field(None, ge=1, description="Processes that align; one a core where not given.")
    overwrite: bool = Field(False, description="Align again what is there already.")


class HeatmapSettings(StrictModel):
    """Skeleton maps from poses (SkeletonGait, AAAI 2024, section 3.1)."""

    canvas_px: Pixels = Field(128, ge=8, description="Side of the square that a frame is drawn on, in pixels.")
    sigma_px: float = Field(8.0, ge=0.1, le=1000, description="Width of the Gaussians on the canvas, in pixels.")
    use_score: bool = Field(True, description="Weigh joints and limbs by the estimator's confidence.")
    fill: Literal["knn", "visible", "mean", "none"] = Field(
        "knn",
        description="How missing coordinates are filled: knn (from the 4 nearest frames), visible (knn without joints "
        "that are never seen), mean, or none.",
    )
    align: bool = Field(True, description="Crop each map to the body's rows, centered, before it is resized.")
    offset_px: Pixels = Field(0, ge=0, description="Rows kept above and below the body when aligning.")
    size_px: Pixels = Field(64, ge=1, description="Side of the finished map, in pixels.")
    storage: Storage = Field("pkl", description=_STORAGE)
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    device: Device = Field("cpu", description="Where frames are drawn: compiled loops on the cpu, torch elsewhere.")
    workers: Processes | None = Field(None, ge=1, description="Processes that draw; one a core where not given.")
    nproc: Processes = Field(1, ge=1, description="Processes to start with torchrun; each has workers of its own.")
    preview: int = Field(0, ge=0, le=10**9, description="Sequences, the first ones, to make pictures of.")
    overwrite: bool = Field(False, description="Draw again what is there already.")


class ConvertSettings(StrictModel):
    """From a pickle tree to HDF5, and back."""

    pattern: str = Field("*.pkl", description="File pattern of the sequences in a tree.")
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    workers: Processes | None = Field(None, ge=1, description="Processes that convert; one a core where not given.")


class ShowSettings(StrictModel):
    """Pictures of a sequence."""

    sequence: str | None = Field(None, description="identity/condition/view in a store; the first where not given.")
    pattern: str = Field("*.pkl", description="File pattern of the sequences in a tree.")
    frames: Annotated[int, Field(ge=1, le=1000)] = Field(9, description="Frames on the sheet; the animation has all.")
    out: FolderPath = Field(Path("previews"), description="Folder of the pictures.")


class InspectSettings(StrictModel):
    """What lies at a path."""

    sequences: Count = Field(100, description="Sequences to read at most, evenly spaced; all are counted.")
    names: str | None = Field(None, description=_NAMES)


class LinkSettings(StrictModel):
    """Pairs of skeleton maps and silhouettes."""

    storage: Literal["pkl", "hdf5"] = Field(
        "pkl", description="Symbolic links in a pickle tree, or one HDF5 file that refers to both."
    )
    on_mismatch: Literal["error", "skip", "trim", "match-by-frame"] = Field(
        "skip",
        description="What becomes of sequences whose maps and silhouettes differ in number: error; skip them; trim "
        "both to the shorter one; or match-by-frame, which pairs frames by the number in their names.",
    )
    silhouette_pattern: str | None = Field(
        None, description="File pattern of the silhouettes in a sequence folder; follows from the dataset if not given."
    )


class SynthSettings(StrictModel):
    """Synthetic walkers, written as a dataset."""

    people: Count = Field(16, description="People who walk.")
    views: Count = Field(4, description="Cameras round each walk, at most as many as the layout has views.")
    conditions: Strings = Field(("normal", "bag", "coat"), description="How they walk: normal, bag, coat.")
    repeats: Count = Field(2, description="Walks of each person in each condition.")
    frames: Count = Field(60, description="Frames of a walk, at 30 a second; each walk varies by a tenth.")
    noise_px: float = Field(
        1.5, ge=0, le=1000, description="Standard deviation of the joints' detection noise, in pixels."
    )
    lost: Share = Field(0.01, description="Share of joints that the detector loses.")
    seed: Seed = Field(0, description="Seed of every random draw.")


class DemoSettings(StrictModel):
    """The whole road on synthetic walkers."""

    out: FolderPath = Field(Path("skelgait-demo"), description="Folder of everything that the demo writes.")
    seed: Seed = Field(0, description="Seed of the walkers and of training.")


class Settings(StrictModel):
    """The root: the workspace, which all commands share, and one section a command."""

    dataset: str | None = Field(None, description="Dataset: decides file patterns, partition, preset and protocol.")
    partition: Annotated[Path, Strict(False)] | None = Field(
        None, description="JSON of train and test identities; the dataset's official one where not given."
    )
    paths: PathsSettings = PathsSettings()
    poses: PosesSettings = PosesSettings()
    silhouettes: SilhouettesSettings = SilhouettesSettings()
    heatmap: HeatmapSettings = HeatmapSettings()
    link: LinkSettings = LinkSettings()
    convert: ConvertSettings = ConvertSettings()
    show: ShowSettings = ShowSettings()
    inspect: InspectSettings = InspectSettings()
    train: TrainSettings = TrainSettings()
    embed: EmbedSettings = EmbedSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    identify: IdentifySettings = IdentifySettings()
    compare: CompareSettings = CompareSettings()
    synth: SynthSettings = SynthSettings()
    demo: DemoSettings = DemoSettings()

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            return None if name is None else find(name).name
        except SettingsError as error:
            raise ValueError(f"should be {error.expected}; {error.hint}") from error
