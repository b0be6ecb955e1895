"""Trained network that runs in torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.embeddings.model import BothEmbeddings
from skelgait.models import GaitNetwork
from skelgait.models.inputs import scale_frames
from skelgait.runtime.devices import autocast, exact_convolutions


class TorchModel:
    """Network of torch that embeds batches.

    Attributes:
        torch_device: device of the network.

    Args:
        network: trained network; it is moved to the device, and set to eval mode.
        device: device of the network.
        precision: float32 (default), bf16 or fp16.
    """

    def __init__(self, network: GaitNetwork, device: torch.device, precision: str = "float32") -> None:
        self._network = network.to(device).eval()
        self.torch_device = device
        self._precision = precision

    @property
    def device(self) -> str:
        """Name of the device."""
        return str(self.torch_device)

    def embed(self, frames: NDArray[np.uint8], lengths: Sequence[int]) -> BothEmbeddings:
        """Return both embeddings (n, S, D) of packed sequences, see `EmbeddingModel`."""
        device = self.torch_device
        with torch.inference_mode(), exact_convolutions(device), autocast(self._precision, device):
            output = self._network(scale_frames(torch.from_numpy(frames), device), lengths)
            outputs = (output.embedding, output.neck_embedding)
            first, second = (values.transpose(1, 2).contiguous().float().cpu().numpy() for values in outputs)
        return first, second
