"""Choice of the torch device."""

from __future__ import annotations

import os

import torch

from skelgait.errors import SettingsError


def pick_device(name: str) -> torch.device:
    """Return the torch device with this name.

    Under a launcher, each process gets a CUDA device of its own.

    Args:
        name: `cuda`, `mps`, `cpu`, or `auto`: CUDA if available, else MPS, else CPU.

    Raises:
        SettingsError: if this machine has no such device.
    """
    is_available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    available = [kind for kind, is_present in is_available.items() if is_present]
    if name == "auto":
        name = available[0]
    if name not in available:
        raise SettingsError("--device", name, f"one of {', '.join(available)} on this machine", "use --device auto")
    if name == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device
    return torch.device(name)


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return the autocast context for a precision.

    Args:
        precision: float32 (no autocast), bf16 or fp16.
        device: device of the network.
    """
    dtype = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    return torch.autocast(device.type, dtype, enabled=dtype is not None)
