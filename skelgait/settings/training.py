"""Settings of training."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from skelgait.losses.registry import LOSSES
from skelgait.settings.base import StrictModel
from skelgait.settings.types import (
    CheckpointPath,
    Count,
    Counts,
    Device,
    FolderName,
    FourWidths,
    Fraction,
    Network,
    Precision,
    Processes,
    Seed,
    Width,
)


class NetworkSettings(StrictModel):
    """Architecture of the network."""

    name: Network = Field("skeletongait", description="Network; skeletongait++ also takes silhouettes.")
    blocks: FourWidths = Field((1, 1, 1, 1), description="Residual blocks in layers 1 to 4.")
    channels: FourWidths = Field((64, 128, 256, 512), description="Channels of layers 1 to 4.")
    embedding_width: Width = Field(256, description="Embedding width D per strip.")
    strips: Width = Field(16, description="Horizontal strips S of the feature map.")
    test_embedding: Literal[1, 2] = Field(
        1, description="Embedding to compare in evaluation: 1 before, 2 after the batch norm neck."
    )


class SamplingSettings(StrictModel):
    """Composition of a batch."""

    identities_per_batch: Count = Field(8, description="P: identities per batch, over all processes.")
    sequences_per_identity: Count = Field(16, description="K: sequences per identity in a batch.")
    frames: Literal["fixed_ordered", "fixed_unordered", "all_ordered"] = Field(
        "fixed_ordered", description="How frames are sampled from a sequence."
    )
    clip_len: Count = Field(30, description="Frames per sequence in a batch.")
    skip: int = Field(4, ge=0, le=10**9, description="Frames skipped within the window of fixed_ordered.")
    max_frames: Count = Field(720, description="Maximum frames per sequence with all_ordered.")


class AugmentationSettings(StrictModel):
    """Random augmentation of training sequences; all frames of a sequence are changed alike."""

    perspective: Fraction = Field(0.2, description="Probability of a perspective change.")
    mirror: Fraction = Field(0.2, description="Probability of a horizontal flip.")
    rotation: Fraction = Field(0.2, description="Probability of a rotation.")
    rotation_deg: float = Field(10.0, ge=0, le=360, description="Maximum rotation, in degrees.")


class TripletSettings(StrictModel):
    """Batch-all triplet loss on embedding 1."""

    weight: float = Field(1.0, ge=0, description="Weight of the triplet loss.")
    margin: float = Field(0.2, ge=0, description="Margin of the triplet loss.")


class CrossEntropySettings(StrictModel):
    """Cross entropy of the logits."""

    weight: float = Field(1.0, ge=0, description="Weight of the cross entropy.")
    scale: float = Field(16.0, gt=0, description="Scale of the logits in the cross entropy.")
    label_smoothing: Fraction = Field(0.1, description="Label smoothing of the cross entropy.")


class LossSettings(StrictModel):
    """One section per loss.

    Other losses in `skelgait.losses.LOSSES` may have a section too: their weight and the arguments of their class.
    """

    model_config = ConfigDict(extra="allow")

    triplet: TripletSettings = Field(default_factory=TripletSettings)
    cross_entropy: CrossEntropySettings = Field(default_factory=CrossEntropySettings)

    @model_validator(mode="after")
    def _check_other_losses(self) -> LossSettings:
        for name, section in (self.model_extra or {}).items():
            if name not in LOSSES:
                raise ValueError(f"{name}: no such loss; should be {' or '.join(LOSSES)}")
            weight = section.get("weight", 1.0) if isinstance(section, dict) else None
            if not isinstance(weight, int | float) or not 0 <= weight < math.inf:
                raise ValueError(
                    f"{name}: should be a section with a weight of 0 or more, and the arguments of the loss"
                )
        return self


class OptimizerSettings(StrictModel):
    """Stochastic gradient descent with a step schedule."""

    learning_rate: float = Field(0.1, gt=0, description="Initial learning rate.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum.")
    weight_decay: float = Field(5e-4, ge=0, description="Weight decay.")
    milestones: Counts = Field(
        (20000, 30000, 40000), description="Iterations at which the learning rate is multiplied by gamma."
    )
    gamma: float = Field(0.1, gt=0, description="Factor of the learning rate at each milestone.")

    @field_validator("milestones")
    @classmethod
    def _check_milestones(cls, milestones: tuple[int, ...]) -> tuple[int, ...]:
        if list(milestones) != sorted(set(milestones)):
            raise ValueError("should increase from each to the next")
        return milestones


class TrainSettings(StrictModel):
    """Settings of `skelgait train`."""

    network: NetworkSettings = Field(default_factory=NetworkSettings)
    sampling: SamplingSettings = Field(default_factory=SamplingSettings)
    augmentation: AugmentationSettings = Field(default_factory=AugmentationSettings)
    losses: LossSettings = Field(default_factory=LossSettings)
    optimizer: OptimizerSettings = Field(default_factory=OptimizerSettings)
    iterations: Count = Field(60000, description="Training iterations (optimizer steps).")
    log_every: Count = Field(100, description="Iterations between log entries.")
    save_every: Count = Field(10000, description="Iterations between checkpoints.")
    keep_last: Count = Field(10, description="Recent checkpoints to keep; the best is kept too if evaluated.")
    eval_during_training: bool = Field(False, description="Evaluate at each checkpoint, on VAL_SET if there is one.")
    val_share: float = Field(
        0.0, ge=0, lt=1, description="Share of the training people to hold out as VAL_SET, as 0.1."
    )
    init: CheckpointPath | None = Field(
        None, description="Checkpoint, or hf://OWNER/NAME/FILE, to initialize the weights from."
    )
    resume: bool = Field(False, description="Resume a run with its own settings; flags change them.")
    iteration: Count | None = Field(None, description="Iteration to resume from; default: newest valid checkpoint.")
    allow_changes: bool = Field(False, description="Resume even if flags or data change the result.")
    seed: Seed = Field(0, description="Random seed.")
    device: Device = Field("auto", description="Device of the network.")
    precision: Precision = Field("auto", description="Precision of the network; auto: fp16 on CUDA, else float32.")
    compile: bool = Field(False, description="Compile the network with torch.compile; needs a C++ compiler.")
    tensorboard: bool = Field(False, description="Write TensorBoard logs.")
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine.")
    num_workers: Processes = Field(1, ge=0, description="Processes that load batches, per training process.")
    run_name: FolderName | None = Field(None, description="Name of the run's folder; default: DATASET_NETWORK.")

    @field_validator("iteration")
    @classmethod
    def _check_iteration(cls, iteration: int | None, info: ValidationInfo) -> int | None:
        if iteration is not None and info.data.get("resume") is False:
            raise ValueError("is the iteration to resume from: pass --resume too")
        return iteration

    @field_validator("allow_changes")
    @classmethod
    def _check_allow_changes(cls, allow_changes: bool, info: ValidationInfo) -> bool:
        if allow_changes and info.data.get("resume") is False:
            raise ValueError("is for a resumed run: pass --resume too")
        return allow_changes

    @field_validator("resume")
    @classmethod
    def _check_resume(cls, resume: bool, info: ValidationInfo) -> bool:
        if resume and info.data.get("init") is not None:
            raise ValueError("uses the run's weights: leave out --init")
        return resume
