"""Settings of videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, Strict

from skelgait.settings.base import StrictModel
from skelgait.settings.types import Count, FolderPath


class VideoSettings(StrictModel):
    """Settings of `skelgait video`."""

    out: FolderPath | None = Field(
        None, description="Folder of poses/, silhouettes/ and previews/; default: those of the workspace."
    )
    names: str | None = Field(
        None, description="How paths name sequences, as {identity}/{condition}/*/{view}; default: recognized."
    )
    estimator: str = Field("mediapipe", description="Pose estimator: mediapipe or rtmlib.")
    model: Annotated[Path, Strict(False)] | None = Field(
        None, description="Model file: a .task bundle or a wheel of mediapipe; default: fetched once."
    )
    max_people: Annotated[int, Field(ge=1, le=100)] = Field(4, description="Maximum number of people in a frame.")
    min_frames: Count = Field(15, description="Number of frames below which a person is marked.")
    min_height: Count = Field(64, description="Height of the joints, in pixels, below which a person is marked.")
    preview: bool = Field(False, description="Write each video again with skeletons and person numbers.")
    overwrite: bool = Field(False, description="Overwrite existing output.")
