"""Mixed precision of a training step."""

from __future__ import annotations

import torch
from torch import Tensor

from skelgait.errors import SettingsError
from skelgait.runtime.devices import autocast


def resolve_precision(name: str, device: torch.device) -> str:
    """Return the precision that `auto` stands for: fp16 on CUDA, float32 elsewhere; other names unchanged."""
    if name != "auto":
        return name
    return "fp16" if device.type == "cuda" else "float32"


class Precision:
    """Autocast and, for fp16, loss scaling.

    Args:
        name: float32, bf16, fp16, or auto (fp16 on CUDA, float32 elsewhere).
        device: device of the network.

    Raises:
        SettingsError: for fp16 without CUDA.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        name = resolve_precision(name, device)
        if name == "fp16" and device.type != "cuda":
            raise SettingsError("--precision", f"fp16 on {device.type}", "float32 or bf16", "use --precision auto")
        self._name, self._device = name, device
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def autocast(self) -> torch.autocast:
        """Return the context for the forward pass of the network."""
        return autocast(self._name, self._device)

    def step(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> bool:
        """Compute gradients and step; return False if the step was skipped, because gradients overflowed in fp16."""
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(optimizer)
        # Read after the step, which waits for the device anyway: earlier, the device would wait for this process.
        scale = self.scaler.get_scale()
        self.scaler.update()
        return self.scaler.get_scale() >= scale
