"""Events for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.errors import SettingsError
from skelgait.sampling.batch import Batch

_FRAMES = 8


class TensorBoardLogger:
    """Writes metrics and pictures of batches into the folder `tensorboard` of a run.

    Args:
        run: the run's folder.
        iteration: steps taken before; what was written of later ones is hidden.

    Raises:
        SettingsError: tensorboard is not installed.
    """

    def __init__(self, run: Path, iteration: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            hint = 'install it with: pip install "skelgait[tensorboard]"'
            raise SettingsError("train.tensorboard", "no tensorboard", "the package tensorboard", hint) from error
        self._writer: Any = SummaryWriter(str(run / "tensorboard"), purge_step=iteration + 1 if iteration else None)

    def scalars(self, iteration: int, values: Mapping[str, Any]) -> None:
        """Write numbers of an iteration, by name."""
        for name, value in values.items():
            if name != "iteration":
                self._writer.add_scalar(name, value, iteration)

    def frames(self, iteration: int, batch: Batch) -> None:
        """Write a picture of frames of the first sequence in a batch: a row a channel, as the network sees them."""
        self._writer.add_image("frames", contact_sheet(batch.frames[: batch.lengths[0]]), iteration, dataformats="HW")

    def close(self) -> None:
        """Write what is left to write."""
        self._writer.close()


def contact_sheet(frames: torch.Tensor) -> NDArray[np.uint8]:
    """(T, C, H, W) uint8 frames as one (C * H, n * W) picture of up to 8 of them, evenly spaced, a row a channel."""
    chosen = np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int)
    picked = frames[torch.from_numpy(chosen)].cpu().numpy()
    n_frames, channels, height, width = picked.shape
    sheet: NDArray[np.uint8] = picked.transpose(1, 2, 0, 3).reshape(channels * height, n_frames * width)
    return sheet
