"""Logger for TensorBoard."""

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
    """Logger of metrics and frames to the folder `tensorboard` of a run.

    Args:
        run: folder of the run.
        iteration: current iteration; TensorBoard hides events of later iterations.

    Raises:
        SettingsError: if tensorboard is not installed.
    """

    def __init__(self, run: Path, iteration: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            hint = 'run: pip install "skelgait[tensorboard]"'
            raise SettingsError("train.tensorboard", "no tensorboard", "the package tensorboard", hint) from error
        self._writer: Any = SummaryWriter(str(run / "tensorboard"), purge_step=iteration + 1 if iteration else None)

    def scalars(self, iteration: int, values: Mapping[str, Any]) -> None:
        """Write values of an iteration by name."""
        for name, value in values.items():
            if name != "iteration":
                self._writer.add_scalar(name, value, iteration)

    def frames(self, iteration: int, batch: Batch) -> None:
        """Write an image of the first sequence of a batch, as the network sees it."""
        self._writer.add_image("frames", frame_grid(batch.frames[: batch.lengths[0]]), iteration, dataformats="HW")

    def close(self) -> None:
        """Write buffered events and close the file."""
        self._writer.close()


def frame_grid(frames: torch.Tensor) -> NDArray[np.uint8]:
    """Arrange up to 8 evenly spaced frames in a grid, with a row for each channel.

    Args:
        frames: (T, C, H, W) uint8.

    Returns:
        (C * H, n * W) uint8.
    """
    indices = np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int)
    shown = frames[torch.from_numpy(indices)].cpu().numpy()
    n_frames, channels, height, width = shown.shape
    grid: NDArray[np.uint8] = shown.transpose(1, 2, 0, 3).reshape(channels * height, n_frames * width)
    return grid
