"""The arithmetic of a training step."""

from __future__ import annotations

import torch
from torch import Tensor

from skelgait.errors import SettingsError

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Autocast and, for fp16, loss scaling.

    Args:
        name: float32, bf16, fp16, or auto: fp16 on CUDA and float32 elsewhere.
        device: where the network runs.

    Raises:
        SettingsError: fp16 is wanted where there is no CUDA.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        if name == "auto":
            name = "fp16" if device.type == "cuda" else "float32"
        if name == "fp16" and device.type != "cuda":
            raise SettingsError("--precision", f"fp16 on {device.type}", "float32 or bf16", "use --precision auto")
        self._device = device
        self._type = _TYPES.get(name)
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def autocast(self) -> torch.autocast:
        """The context that the network's forward pass runs in."""
        return torch.autocast(self._device.type, dtype=self._type, enabled=self._type is not None)

    def step(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> bool:
        """Differentiate `loss` and step; False where the step was skipped, as gradients did not fit into fp16."""
        optimizer.zero_grad(set_to_none=True)
        scale = self.scaler.get_scale()
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(optimizer)
        self.scaler.update()
        return self.scaler.get_scale() >= scale
