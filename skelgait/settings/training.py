"""Settings of training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, Strict, ValidationInfo, field_validator, model_validator

from skelgait.losses.registry import LOSSES
from skelgait.settings.base import StrictModel
from skelgait.settings.types import (
    Count,
    Counts,
    Device,
    FourWidths,
    Network,
    Precision,
    Processes,
    Seed,
    Share,
    Width,
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


class TripletSettings(StrictModel):
    """Batch-all triplet loss on embedding 1."""

    weight: float = Field(1.0, ge=0, description="Weight of the triplet loss.")
    margin: float = Field(0.2, ge=0, description="Margin of the triplet loss.")


class CrossEntropySettings(StrictModel):
    """Cross entropy of the logits."""

    weight: float = Field(1.0, ge=0, description="Weight of the cross entropy.")
    scale: float = Field(16.0, gt=0, description="Factor of the logits in the cross entropy.")
    label_smoothing: Share = Field(0.1, description="Label smoothing of the cross entropy.")


class LossSettings(StrictModel):
    """One section per loss.

    Other losses in `skelgait.losses.LOSSES` may have a section too: their weight and the arguments of their class.
    """

    model_config = ConfigDict(extra="allow")

    triplet: TripletSettings = TripletSettings()
    cross_entropy: CrossEntropySettings = CrossEntropySettings()

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
    optimizer: OptimizerSettings = OptimizerSettings()
    iterations: Count = Field(60000, description="Steps of the optimizer.")
    log_every: Count = Field(100, description="Iterations between two logged steps.")
    save_every: Count = Field(10000, description="Iterations between two checkpoints.")
    keep_last: Count = Field(10, description="Checkpoints kept: the last ones, and the best where they are tested.")
    eval_during_training: bool = Field(False, description="Evaluate at every checkpoint.")
    init: Annotated[Path, Strict(False)] | None = Field(
        None, description="Checkpoint, skelgait or OpenGait, whose weights to begin with."
    )
    resume: bool = Field(False, description="Go on from a checkpoint of the run.")
    iteration: Count | None = Field(
        None, description="The checkpoint to go on from; the newest that is whole where not given."
    )
    seed: Seed = Field(0, description="Seed of every random draw.")
    device: Device = Field("auto", description="Where the network runs.")
    precision: Precision = Field("auto", description="Arithmetic: fp16 on CUDA and float32 elsewhere where auto.")
    compile: bool = Field(False, description="Compile the network with torch.compile; needs a C++ compiler.")
    tensorboard: bool = Field(False, description="Write events for TensorBoard as well.")
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine.")
    num_workers: Processes = Field(1, ge=0, description="Processes that read batches, for each training process.")
    run_name: str | None = Field(None, description="Name of the run's folder; dataset and network where not given.")

    @field_validator("iteration")
    @classmethod
    def _goes_on(cls, iteration: int | None, info: ValidationInfo) -> int | None:
        if iteration is not None and info.data.get("resume") is False:
            raise ValueError("names the checkpoint to go on from: give --resume as well")
        return iteration

    @field_validator("resume")
    @classmethod
    def _begins_once(cls, resume: bool, info: ValidationInfo) -> bool:
        if resume and info.data.get("init") is not None:
            raise ValueError("goes on with the run's own weights: leave out --init")
        return resume
