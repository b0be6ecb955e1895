"""Trained network that runs in onnxruntime, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings.model import BothEmbeddings
from skelgait.embeddings.onnx_file import INPUTS, OUTPUTS, OnnxFile
from skelgait.errors import CheckpointError, reason_of

if TYPE_CHECKING:
    import torch

_MAP_CHANNELS = 2


class OnnxModel:
    """Network of an ONNX file that embeds batches.

    Attributes:
        torch_device: None: distances are computed on the CPU, without torch.
        device: `cpu` or `cuda`.

    Args:
        file: opened file.
    """

    torch_device: torch.device | None = None

    def __init__(self, file: OnnxFile) -> None:
        self.device = file.device
        self._file = file
        self._has_silhouettes = "silhouettes" in INPUTS[file.facts.modalities]

    def embed(self, frames: NDArray[np.uint8], lengths: Sequence[int]) -> BothEmbeddings:
        """Return both embeddings (n, S, D) of packed sequences, see `EmbeddingModel`.

        Sequences of equal length go through the network together.
        """
        clips = np.split(frames, np.cumsum(lengths)[:-1])
        rows: dict[int, BothEmbeddings] = {}
        for length in dict.fromkeys(lengths):
            members = [i for i, other in enumerate(lengths) if other == length]
            first, second = self._run(np.stack([clips[i] for i in members]))
            rows.update(zip(members, zip(first, second, strict=True), strict=True))
        first, second = (np.stack([rows[i][number] for i in range(len(clips))]) for number in (0, 1))
        return first, second

    def _run(self, clips: NDArray[np.uint8]) -> BothEmbeddings:
        """Return both embeddings (n, S, D) of clips (n, T, C, 64, 44) of equal length."""
        inputs = {"maps": np.ascontiguousarray(clips[:, :, :_MAP_CHANNELS])}
        if self._has_silhouettes:
            inputs["silhouettes"] = np.ascontiguousarray(clips[:, :, _MAP_CHANNELS])
        try:
            first, second = self._file.session.run(OUTPUTS, inputs)
        except Exception as error:  # onnxruntime has no common class of errors
            found = f"a network that fails on {clips.shape[1]} frames ({reason_of(error)})"
            hint = "export the checkpoint again, or use fewer frames with max_frames"
            raise CheckpointError(self._file.path, found, "embeddings", hint) from error
        return np.ascontiguousarray(first.swapaxes(1, 2)), np.ascontiguousarray(second.swapaxes(1, 2))
