"""All settings: one model per command under one root. A field's description is the help text of its flag.

A dotted key names a setting everywhere: `train.optimizer.learning_rate` in `skelgait.yaml` (nested), in `--set`,
in error messages, and as SKELGAIT_TRAIN__OPTIMIZER__LEARNING_RATE in the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, field_validator

from skelgait.datasets import find_dataset
from skelgait.errors import SettingsError
from skelgait.settings.base import StrictModel
from skelgait.settings.embedding import EmbedSettings
from skelgait.settings.evaluation import CompareSettings, EvaluateSettings
from skelgait.settings.exporting import ExportSettings
from skelgait.settings.identification import EnrollSettings, IdentifySettings
from skelgait.settings.training import TrainSettings
from skelgait.settings.types import (
    Count,
    Device,
    FolderPath,
    Fraction,
    FrameOffset,
    ImageSize,
    Megapixels,
    PersonId,
    Pixels,
    Processes,
    Seed,
    Storage,
    Strings,
)
from skelgait.settings.video import VideoSettings
from skelgait.storage.backends import BACKENDS, Compression

_NAMES = "How paths name sequences, as {identity}/{condition}/*/{view}; default: recognized."
_STORAGE = f"Storage format: {' or '.join(backend.description for backend in BACKENDS.values())}."
_COMPRESSION = "HDF5 compression: lz4hc is fastest to read; gzip and none need no plugin."
_OVERWRITE = "Overwrite existing output."
_FORCE = "Write sequences with an impossible posture too."
_MEGAPIXELS = "Maximum size of a silhouette image, in megapixels."
_WORKERS = "Worker processes; default: one per core."


class PathsSettings(StrictModel):
    """Folders of the workspace, shared by all commands."""

    poses: FolderPath = Field(Path("poses"), description="Folder of the poses.")
    silhouettes: FolderPath = Field(Path("silhouettes"), description="Folder of the silhouettes.")
    maps: FolderPath = Field(Path("maps"), description="Folder of the skeleton maps.")
    pairs: FolderPath = Field(Path("pairs"), description="Folder of the linked maps and silhouettes.")
    runs: FolderPath = Field(Path("runs"), description="Folder of the training runs.")


class PosesSettings(StrictModel):
    """Settings of `skelgait poses`."""

    layout: str | None = Field(None, description="Format of the raw poses; default: recognized.")
    names: str | None = Field(None, description=_NAMES)
    pattern: str | None = Field(None, description="File name pattern to read; default: from the layout.")
    person_index: FolderPath | None = Field(
        None, description="Folder of person indices (OU-MVLP pose_selection_idx), for frames with several people."
    )
    silhouette_images: FolderPath | None = Field(
        None, description="Folder of full-frame silhouettes, to choose the walker among several people."
    )
    max_megapixels: Megapixels = Field(64, description=_MEGAPIXELS)
    people: Literal["walker", "all"] = Field(
        "walker", description="Who becomes a sequence: the walker, or each person (view 000-p1, 000-p2, ...)."
    )
    person: PersonId | None = Field(
        None, description="Person to write: track id in the file, or p1, p2, ... by prominence."
    )
    min_frames: Count = Field(15, description="Minimum number of frames of a person, with --people all.")
    skeleton: str | None = Field(
        None, description="Skeleton of the joints: a name, or a YAML file that names columns and joints."
    )
    image_size: ImageSize | None = Field(None, description="Image size, as 1920x1080, for coordinates from 0 to 1.")
    force: bool = Field(False, description=_FORCE)
    storage: Storage = Field("pkl", description=_STORAGE)
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    workers: Processes | None = Field(None, ge=1, description=_WORKERS)
    overwrite: bool = Field(False, description=_OVERWRITE)


class SilhouettesSettings(StrictModel):
    """Settings of `skelgait silhouettes`."""

    size_px: int = Field(64, ge=1, le=512, description="Side of an aligned silhouette, in pixels.")
    max_megapixels: Megapixels = Field(64, description=_MEGAPIXELS)
    names: str | None = Field(None, description=_NAMES)
    storage: Storage = Field("pkl", description=_STORAGE)
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    workers: Processes | None = Field(None, ge=1, description=_WORKERS)
    overwrite: bool = Field(False, description=_OVERWRITE)


class HeatmapSettings(StrictModel):
    """Settings of `skelgait heatmap` (SkeletonGait, AAAI 2024, section 3.1)."""

    canvas_px: Pixels = Field(128, ge=8, description="Side of the square canvas that frames are drawn on, in pixels.")
    sigma_px: float = Field(8.0, ge=0.1, le=1000, description="Gaussian sigma on the canvas, in pixels.")
    use_score: bool = Field(True, description="Weight joints and limbs by the estimator's confidence.")
    fill: Literal["knn", "visible", "mean", "none"] = Field(
        "knn", description="How to fill missing joints; visible: as knn, without joints that are never seen."
    )
    align: bool = Field(True, description="Crop each map to the body's rows and center it before resizing.")
    offset_px: Pixels = Field(0, ge=0, description="Margin above and below the body when aligning, in pixels.")
    size_px: Pixels = Field(64, ge=1, description="Side of a map, in pixels.")
    storage: Storage = Field("pkl", description=_STORAGE)
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    device: Device = Field("cpu", description="Device to draw on; cpu is fast, others use torch.")
    workers: Processes | None = Field(None, ge=1, description=_WORKERS)
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine, each with its workers.")
    force: bool = Field(False, description=_FORCE)
    preview: int = Field(0, ge=0, le=10**9, description="Number of sequences to preview.")
    overwrite: bool = Field(False, description=_OVERWRITE)


class ConvertSettings(StrictModel):
    """Settings of `skelgait convert`."""

    pattern: str = Field("*.pkl", description="File name pattern of the sequences in a pickle tree.")
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    workers: Processes | None = Field(None, ge=1, description=_WORKERS)


class ShowSettings(StrictModel):
    """Settings of `skelgait show`."""

    sequence: str | None = Field(None, description="Sequence as identity/condition/view; default: the first.")
    pattern: str = Field("*.pkl", description="File name pattern of the sequences in a pickle tree.")
    frames: Annotated[int, Field(ge=1, le=1000)] = Field(9, description="Frames on the sheet; the animation has all.")
    out: FolderPath = Field(Path("previews"), description="Folder of the pictures.")


class InspectSettings(StrictModel):
    """Settings of `skelgait inspect`."""

    sequences: Count = Field(100, description="Maximum number of sequences to read; all are counted.")
    names: str | None = Field(None, description=_NAMES)
    pictures: bool = Field(False, description="Draw the people of raw poses over time; needs skelgait[plots].")
    verify: bool = Field(False, description="Read all data and compare their checksums; exit code 1 if damaged.")
    out: FolderPath = Field(Path("previews"), description="Folder of the pictures.")


class LinkSettings(StrictModel):
    """Settings of `skelgait link`."""

    storage: Literal["pkl", "hdf5"] = Field(
        "pkl", description="Storage format: pkl (symbolic links), hdf5 (references)."
    )
    on_mismatch: Literal["error", "skip", "trim", "match-by-frame"] = Field(
        "skip", description="What to do if a sequence has more maps than silhouettes, or fewer."
    )
    frame_offset: FrameOffset = Field(
        0, description="Number added to the maps' frame numbers for match-by-frame; auto finds it by leg movement."
    )
    silhouette_pattern: str | None = Field(
        None, description="File name pattern of the silhouettes; default: from the dataset."
    )


class SynthSettings(StrictModel):
    """Settings of `skelgait synth`."""

    people: Count = Field(16, description="Number of people.")
    views: Count = Field(4, description="Number of views, at most those of the dataset.")
    conditions: Strings = Field(("normal", "bag", "coat"), description="Walking conditions: normal, bag, coat.")
    repeats: Count = Field(2, description="Walks per person and condition.")
    frames: Count = Field(60, description="Mean frames per walk, at 30 per second.")
    noise_px: float = Field(1.5, ge=0, le=1000, description="Standard deviation of joint noise, in pixels.")
    lost: Fraction = Field(0.01, description="Fraction of missing joints, in [0, 1].")
    seed: Seed = Field(0, description="Random seed.")


class DemoSettings(StrictModel):
    """Settings of `skelgait demo`."""

    out: FolderPath = Field(Path("skelgait-demo"), description="Folder of all output.")
    video: Annotated[Path, Strict(False)] | None = Field(
        None, description="Video file to compare the people of; default: synthetic walkers."
    )
    seed: Seed = Field(0, description="Random seed.")
    quick: bool = Field(False, description="Use little data and few iterations, for a run in under a minute.")
    resume: bool = Field(False, description="Continue an interrupted demo.")


class Settings(StrictModel):
    """Root of all settings: the dataset, the folders of the workspace, and one section per command."""

    dataset: str | None = Field(None, description="Dataset; sets file patterns, partition, preset and protocol.")
    partition: Annotated[Path, Strict(False)] | None = Field(
        None, description="JSON file of train and test identities; default: from the dataset."
    )
    wait: bool = Field(False, description="Wait while another command writes to the same path.")
    paths: PathsSettings = Field(default_factory=PathsSettings)
    poses: PosesSettings = Field(default_factory=PosesSettings)
    silhouettes: SilhouettesSettings = Field(default_factory=SilhouettesSettings)
    heatmap: HeatmapSettings = Field(default_factory=HeatmapSettings)
    link: LinkSettings = Field(default_factory=LinkSettings)
    convert: ConvertSettings = Field(default_factory=ConvertSettings)
    show: ShowSettings = Field(default_factory=ShowSettings)
    inspect: InspectSettings = Field(default_factory=InspectSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    embed: EmbedSettings = Field(default_factory=EmbedSettings)
    evaluate: EvaluateSettings = Field(default_factory=EvaluateSettings)
    enroll: EnrollSettings = Field(default_factory=EnrollSettings)
    identify: IdentifySettings = Field(default_factory=IdentifySettings)
    export: ExportSettings = Field(default_factory=ExportSettings)
    compare: CompareSettings = Field(default_factory=CompareSettings)
    synth: SynthSettings = Field(default_factory=SynthSettings)
    demo: DemoSettings = Field(default_factory=DemoSettings)
    video: VideoSettings = Field(default_factory=VideoSettings)

    @field_validator("dataset")
    @classmethod
    def _check_dataset(cls, name: str | None) -> str | None:
        try:
            return None if name is None else find_dataset(name).name
        except SettingsError as error:
            raise ValueError(f"should be {error.expected}; {error.hint}") from error
