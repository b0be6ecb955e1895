"""Settings of evaluation."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator, model_validator

from skelgait.datasets import DATASETS, find
from skelgait.errors import SettingsError
from skelgait.settings.base import StrictModel
from skelgait.settings.embedding import WithNetwork
from skelgait.settings.types import Distance, Mebibytes, Strings

OWN = ("custom", "verification")
"""Protocols of no dataset."""


class CompareSettings(StrictModel):
    """Evaluations side by side."""

    bootstrap_samples: int = Field(1000, ge=1, le=10**6, description="Bootstrap draws of probes.")


class EvaluateSettings(WithNetwork):
    """Recognizing the test identities of a dataset under its protocol."""

    protocol: str | None = Field(
        None,
        description="The protocol: a dataset's, a YAML file, custom, or verification; the dataset's own if not given.",
    )
    embeddings: Annotated[Path, Strict(False)] | None = Field(
        None, description="File of `skelgait embed` to evaluate, in place of a checkpoint."
    )
    distance: Distance = Field("euclidean", description="Distance of two embeddings.")
    embedding: Literal[1, 2] | None = Field(None, description="Embedding compared; the checkpoint's where not given.")
    rerank: bool = Field(False, description="Re-rank by k-reciprocal neighbors (Zhong et al., CVPR 2017).")
    memory_mb: Mebibytes = Field(512, description="Memory that distances may take at a time, in MiB.")
    bootstrap_samples: int = Field(
        1000, ge=0, le=10**6, description="Bootstrap draws of probes for 95 % intervals; 0 for no intervals."
    )
    report: Annotated[Path, Strict(False)] | None = Field(
        None, description="Folder of the report; the run's own, under report, where a run is tested."
    )
    pictures: bool = Field(False, description="Draw curves, view matrices and retrievals; needs the extra plots.")
    gallery: Strings = Field((), description="Own groups: condition patterns of the gallery, such as nm-0*.")
    probes: dict[str, Strings] = Field({}, description="Own groups: condition patterns of each named probe group.")
    submission: Annotated[Path, Strict(False)] | None = Field(
        None, description="Where the ranking goes that GREW's server takes, as CSV."
    )

    @property
    def is_custom(self) -> bool:
        """Whether the protocol is built of patterns: it is called custom, or patterns are all that is given of it."""
        return self.protocol == "custom" or (self.protocol is None and bool(self.gallery or self.probes))

    @property
    def protocol_file(self) -> Path | None:
        """The file that the protocol stands in; None where it has another origin."""
        return Path(self.protocol) if self.protocol and is_protocol_file(self.protocol) else None

    @field_validator("protocol")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is None or name in OWN or is_protocol_file(name):
            return name
        try:
            return find(name).name
        except SettingsError as error:
            known = (*DATASETS, *OWN)
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "choose one of them, or give a file ending in .yaml"
            raise ValueError(f"should be one of {', '.join(known)}; {hint}") from error

    @field_validator("embeddings")
    @classmethod
    def _file_or_checkpoint(cls, embeddings: Path | None, info: ValidationInfo) -> Path | None:
        if embeddings and any(info.data.get(name) for name in ("checkpoint", "iteration", "best")):
            raise ValueError("give --embeddings, or which checkpoint to test")
        return embeddings

    @model_validator(mode="after")
    def _custom_has_groups(self) -> EvaluateSettings:
        needs_both = self.is_custom or (self.protocol == "verification" and (self.gallery or self.probes))
        if needs_both and not (self.gallery and self.probes):
            name = self.protocol or "custom"
            raise ValueError(f"protocol {name} needs --gallery and --probes, patterns of conditions")
        return self


def is_protocol_file(protocol: str) -> bool:
    """Whether this names a file and not one of skelgait's own protocols."""
    return Path(protocol).suffix.lower() in (".yaml", ".yml")
