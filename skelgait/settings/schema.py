"""Every setting that there is, one model a command under one root; the sentence under a field is its help text.

A dotted key names a setting everywhere: `train.optimiser.learning_rate` in `skelgait.yaml` (nested), in `--set`,
in error messages, and as SKELGAIT_TRAIN__OPTIMISER__LEARNING_RATE in the environment.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator, model_validator

from skelgait.datasets import DATASETS, find
from skelgait.errors import SettingsError
from skelgait.settings.base import StrictModel

# Paths come as strings and tuples as lists, from YAML, from the environment and from flags.
FolderPath = Annotated[Path, Strict(False)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Counts = Annotated[tuple[Count, ...], Strict(False)]
Pixels = Annotated[int, Field(le=4096)]
Processes = Annotated[int, Field(le=1024)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Width = Annotated[int, Field(ge=1, le=2**16)]
FourWidths = Annotated[tuple[Width, Width, Width, Width], Strict(False)]
Strings = Annotated[tuple[str, ...], Strict(False)]

Device = Literal["auto", "cpu", "cuda", "mps"]
Network = Literal["skeletongait", "skeletongait++"]
Precision = Literal["auto", "float32", "bf16", "fp16"]
Storage = Literal["pkl", "hdf5"]
Compression = Literal["lz4hc", "gzip", "none"]
_COMPRESSION = "How frames are packed in HDF5: lz4hc is quick to read, gzip and none need no plugin in other programs."
Share = Annotated[float, Field(ge=0, le=1)]
_NAMES = (
    "How the paths of sequences are named, as '{identity}/{condition}/*/{view}', where * is anything; "
    "known forms are recognised where not given."
)


class CollectSettings(StrictModel):
    """Poses from what a dataset or a pose estimator gives (`skelgait poses`)."""

    layout: str | None = Field(None, description="Form that the poses are in; recognised where not given.")
    names: str | None = Field(None, description=_NAMES)
    pattern: str | None = Field(None, description="Pattern of the files to read; the layout's own where not given.")
    person_index: FolderPath | None = Field(
        None, description="Folder with an index of the walker among several people, as OU-MVLP's users have it."
    )
    silhouette_images: FolderPath | None = Field(
        None, description="Folder of silhouettes in the image of the poses, to tell the walker from other people."
    )
    storage: Storage = Field("pkl", description="Write a pickle tree or HDF5 parts.")
    compression: Compression = Field("lz4hc", description=_COMPRESSION)
    workers: Processes | None = Field(None, ge=1, description="Processes that read; one a core where not given.")
    overwrite: bool = Field(False, description="Write again what is there already.")


class SilhouettesSettings(StrictModel):
    """Aligned silhouettes from folders of PNG images (`skelgait silhouettes`)."""

    size_px: int = Field(64, ge=1, le=512, description="Side of an aligned silhouette, in pixels.")
    names: str | None = Field(None, description=_NAMES)
    storage: Storage = Field("pkl", description="Write a pickle tree or HDF5 parts.")
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
    align: bool = Field(True, description="Crop each map to the body's rows, centred, before it is resized.")
    offset_px: Pixels = Field(0, ge=0, description="Rows kept above and below the body when aligning.")
    size_px: Pixels = Field(64, ge=1, description="Side of the finished map, in pixels.")
    storage: Storage = Field("pkl", description="Write a pickle tree or HDF5 parts.")
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

    storage: Storage = Field(
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


class NetworkSettings(StrictModel):
    """Width and depth of the network."""

    name: Network = Field("skeletongait", description="Maps alone, or maps and silhouettes (++).")
    blocks: FourWidths = Field((1, 1, 1, 1), description="Residual blocks in layers 1 to 4.")
    channels: FourWidths = Field((64, 128, 256, 512), description="Channels of layers 1 to 4.")
    embedding_width: Width = Field(256, description="Width D of the embedding of a strip.")
    strips: Width = Field(16, description="Horizontal strips S that the feature map is cut into.")
    test_embedding: Literal[1, 2] = Field(
        1, description="Embedding compared at test: 1 before, 2 after the batch norm neck."
    )


class SamplingSettings(StrictModel):
    """What a batch is."""

    identities_per_batch: Count = Field(8, description="P: identities in a batch, over all processes.")
    sequences_per_identity: Count = Field(16, description="K: sequences of each identity in a batch.")
    frames: Literal["fixed_ordered", "fixed_unordered", "all_ordered"] = Field(
        "fixed_ordered", description="How the frames of a sequence are drawn."
    )
    clip_len: Count = Field(30, description="Frames drawn from a sequence.")
    skip: int = Field(4, ge=0, le=10**9, description="Frames of a window that fixed_ordered leaves out.")
    max_frames: Count = Field(720, description="Where all_ordered stops.")


class AugmentationSettings(StrictModel):
    """Random changes of a training sequence, one draw for all its frames."""

    perspective: Share = Field(0.2, description="Share of sequences seen in another perspective.")
    mirror: Share = Field(0.2, description="Share of sequences mirrored.")
    rotation: Share = Field(0.2, description="Share of sequences rotated.")
    rotation_deg: float = Field(10.0, ge=0, le=360, description="Largest rotation, in degrees.")


class LossSettings(StrictModel):
    """Triplet loss on embedding 1 and cross entropy on the logits."""

    triplet_weight: float = Field(1.0, ge=0, description="Weight of the triplet loss.")
    margin: float = Field(0.2, ge=0, description="Margin of the triplet loss.")
    cross_entropy_weight: float = Field(1.0, ge=0, description="Weight of the cross entropy.")
    scale: float = Field(16.0, gt=0, description="Factor of the logits in the cross entropy.")
    label_smoothing: Share = Field(0.1, description="Label smoothing of the cross entropy.")


class OptimiserSettings(StrictModel):
    """Stochastic gradient descent with steps in the learning rate."""

    learning_rate: float = Field(0.1, gt=0, description="Learning rate at the start.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum.")
    weight_decay: float = Field(5e-4, ge=0, description="Weight decay.")
    milestones: Counts = Field(
        (20000, 30000, 40000), description="Iterations at which the rate is multiplied by gamma."
    )
    gamma: float = Field(0.1, gt=0, description="Factor of the learning rate at a milestone.")

    @field_validator("milestones")
    @classmethod
    def _increasing(cls, milestones: tuple[int, ...]) -> tuple[int, ...]:
        if list(milestones) != sorted(set(milestones)):
            raise ValueError("should increase from each to the next")
        return milestones


class TrainSettings(StrictModel):
    """Training SkeletonGait or SkeletonGait++."""

    network: NetworkSettings = NetworkSettings()
    sampling: SamplingSettings = SamplingSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    losses: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    iterations: Count = Field(60000, description="Steps of the optimiser.")
    log_every: Count = Field(100, description="Iterations between two logged steps.")
    save_every: Count = Field(10000, description="Iterations between two checkpoints.")
    test_while_training: bool = Field(False, description="Evaluate at every checkpoint.")
    resume: bool = Field(False, description="Go on from a checkpoint of the run.")
    iteration: Count | None = Field(None, description="The checkpoint to go on from; the newest where not given.")
    seed: Seed = Field(0, description="Seed of every random draw.")
    device: Device = Field("auto", description="Where the network runs.")
    precision: Precision = Field("auto", description="Arithmetic: fp16 on CUDA and float32 elsewhere where auto.")
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine.")
    loader_workers: Processes = Field(1, ge=0, description="Processes that read batches, for each training process.")
    run: str | None = Field(None, description="Name of the run's folder; dataset and network where not given.")

    @field_validator("iteration")
    @classmethod
    def _goes_on(cls, iteration: int | None, info: ValidationInfo) -> int | None:
        if iteration is not None and info.data.get("resume") is False:
            raise ValueError("names the checkpoint to go on from: give --resume as well")
        return iteration


class EvaluateSettings(StrictModel):
    """Recognising the test identities of a dataset under its protocol."""

    protocol: str | None = Field(None, description="The protocol; the dataset's own where not given, or custom.")
    checkpoint: Annotated[Path, Strict(False)] | None = Field(
        None, description="The weights, ours or the authors'; the run's own where not given."
    )
    iteration: Count | None = Field(None, description="The run's checkpoint to test; the newest where not given.")
    metric: Literal["euclidean", "cosine"] = Field("euclidean", description="Distance of two embeddings.")
    embedding: Literal[1, 2] | None = Field(None, description="Embedding compared; the checkpoint's where not given.")
    batch_size: Count = Field(1, description="Sequences that go through the network at once; changes no result.")
    max_frames: Count = Field(720, description="Frames used of a sequence; longer ones are cut and counted.")
    device: Device = Field("auto", description="Where the network runs.")
    precision: Literal["float32", "bf16", "fp16"] = Field("float32", description="Arithmetic of the network.")
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine.")
    gallery: Strings = Field((), description="Custom protocol: condition patterns of the gallery, such as nm-0*.")
    probes: dict[str, Strings] = Field({}, description="Custom protocol: condition patterns of each named probe group.")
    submission: Annotated[Path, Strict(False)] | None = Field(
        None, description="Where the ranking goes that GREW's server takes, as CSV."
    )

    @property
    def is_custom(self) -> bool:
        """Whether the protocol is built of patterns: it is called custom, or patterns are all that is given of it."""
        return self.protocol == "custom" or (self.protocol is None and bool(self.gallery or self.probes))

    @field_validator("protocol")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is None or name == "custom":
            return name
        try:
            return find(name).name
        except SettingsError as error:
            known = (*DATASETS, "custom")
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "choose one of them"
            raise ValueError(f"should be one of {', '.join(known)}; {hint}") from error

    @field_validator("iteration")
    @classmethod
    def _one_checkpoint(cls, iteration: int | None, info: ValidationInfo) -> int | None:
        if iteration is not None and info.data.get("checkpoint") is not None:
            raise ValueError("give one of --checkpoint and --iteration")
        return iteration

    @model_validator(mode="after")
    def _custom_has_groups(self) -> EvaluateSettings:
        if self.is_custom and not (self.gallery and self.probes):
            raise ValueError("protocol custom needs --gallery and --probes, patterns of conditions")
        return self


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
    poses: FolderPath = Field(Path("poses"), description="Pose tree.")
    silhouettes: FolderPath = Field(Path("silhouettes"), description="Silhouette tree.")
    maps: FolderPath = Field(Path("maps"), description="Skeleton maps.")
    pairs: FolderPath = Field(Path("pairs"), description="Linked maps and silhouettes.")
    runs: FolderPath = Field(Path("runs"), description="Training runs, one folder each.")
    partition: Annotated[Path, Strict(False)] | None = Field(
        None, description="JSON of train and test identities; the dataset's official one where not given."
    )
    collect: CollectSettings = CollectSettings()
    alignment: SilhouettesSettings = SilhouettesSettings()
    heatmap: HeatmapSettings = HeatmapSettings()
    link: LinkSettings = LinkSettings()
    convert: ConvertSettings = ConvertSettings()
    show: ShowSettings = ShowSettings()
    inspect: InspectSettings = InspectSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    synth: SynthSettings = SynthSettings()
    demo: DemoSettings = DemoSettings()

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            return None if name is None else find(name).name
        except SettingsError as error:
            raise ValueError(f"should be {error.expected}; {error.mend}") from error
