"""Settings of evaluation."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator, model_validator

from skelgait.datasets import DATASETS, find_dataset
from skelgait.errors import SettingsError
from skelgait.settings.base import StrictModel
from skelgait.settings.embedding import WithNetwork
from skelgait.settings.types import Count, Distance, Mebibytes, Strings

GENERIC_PROTOCOLS = ("custom", "verification", "open-set")
"""Protocols that belong to no dataset."""


class CompareSettings(StrictModel):
    """Settings of `skelgait compare`."""

    bootstrap_samples: int = Field(1000, ge=1, le=10**6, description="Bootstrap samples of probes or people.")


class EvaluateSettings(WithNetwork):
    """Settings of `skelgait evaluate`."""

    protocol: str | None = Field(None, description="Protocol name or YAML file; default: from the dataset.")
    embeddings: Annotated[Path, Strict(False)] | None = Field(
        None, description="Embedding file to evaluate instead of a checkpoint, from `skelgait embed`."
    )
    distance: Distance = Field("euclidean", description="Distance between embeddings.")
    embedding: Literal[1, 2] | None = Field(
        None, description="Embedding to compare: 1 before, 2 after the batch norm neck; default: as trained."
    )
    rerank: bool = Field(False, description="Re-rank by k-reciprocal neighbors (Zhong et al., CVPR 2017).")
    memory_mb: Mebibytes = Field(512, description="Memory for distances, in MiB.")
    bootstrap_samples: int = Field(
        1000, ge=0, le=10**6, description="Bootstrap samples for 95 % intervals; 0: no intervals."
    )
    report: Annotated[Path, Strict(False)] | None = Field(
        None, description="Folder of the report; default: report/ in the run's folder."
    )
    pictures: bool = Field(False, description="Draw curves, view matrices and retrievals; needs skelgait[plots].")
    gallery: Strings = Field((), description="Gallery of a custom protocol: condition patterns, as nm-0*.")
    not_enrolled: float | None = Field(
        None, gt=0, lt=1, description="Share of the people not enrolled in --protocol open-set; default: 0.5."
    )
    draws: Count | None = Field(None, description="Random enrollments in --protocol open-set; default: 10.")
    probes: dict[str, Strings] = Field(
        {}, description="Probe group of a custom protocol, as Bag=bg-*; may be repeated."
    )
    submission: Annotated[Path, Strict(False)] | None = Field(
        None, description="CSV file for the GREW server submission."
    )

    @property
    def is_custom(self) -> bool:
        """Check whether the protocol is made of condition patterns."""
        return self.protocol == "custom" or (self.protocol is None and bool(self.gallery or self.probes))

    @property
    def is_derived(self) -> bool:
        """Check whether the protocol takes its probes and gallery from another protocol."""
        return self.protocol in ("verification", "open-set")

    @property
    def protocol_file(self) -> Path | None:
        """Return the file of the protocol; None if the protocol is not a file."""
        return Path(self.protocol) if self.protocol and is_protocol_file(self.protocol) else None

    @field_validator("protocol")
    @classmethod
    def _check_protocol(cls, name: str | None) -> str | None:
        if name is None or name in GENERIC_PROTOCOLS or is_protocol_file(name):
            return name
        try:
            return find_dataset(name).name
        except SettingsError as error:
            known = (*DATASETS, *GENERIC_PROTOCOLS)
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "choose one of them, or pass a file that ends in .yaml"
            raise ValueError(f"should be one of {', '.join(known)}; {hint}") from error

    @field_validator("embeddings")
    @classmethod
    def _check_embeddings(cls, embeddings: Path | None, info: ValidationInfo) -> Path | None:
        if embeddings and any(info.data.get(name) for name in ("checkpoint", "iteration", "best")):
            raise ValueError("pass only one of --embeddings, --checkpoint, --iteration and --best")
        return embeddings

    @model_validator(mode="after")
    def _check_groups(self) -> EvaluateSettings:
        needs_both = self.is_custom or (self.is_derived and (self.gallery or self.probes))
        if needs_both and not (self.gallery and self.probes):
            name = self.protocol or "custom"
            raise ValueError(f"protocol {name} needs condition patterns: pass --gallery and --probes")
        if self.protocol != "open-set" and (self.not_enrolled is not None or self.draws is not None):
            raise ValueError("only --protocol open-set has --not-enrolled and --draws: pass it, or leave them out")
        return self


def is_protocol_file(protocol: str) -> bool:
    """Check whether `protocol` is the path of a YAML file, not the name of a protocol."""
    return Path(protocol).suffix.lower() in (".yaml", ".yml")
