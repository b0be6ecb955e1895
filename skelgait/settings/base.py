"""Base class of all settings models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Frozen model without unknown keys and without implicit conversions; defaults are validated too."""

    # Validators are built on first use, because `--help` needs none.
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, validate_default=True, allow_inf_nan=False, defer_build=True
    )
