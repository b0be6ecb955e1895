"""Where a network runs."""

from __future__ import annotations

import os

import torch

from skelgait.errors import SettingsError


def pick_device(name: str) -> torch.device:
    """The device of that name; `auto` takes CUDA, then MPS, then the CPU. Each process gets its own CUDA device.

    Raises:
        SettingsError: the machine has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, available in there.items() if available)
    if not there.get(name, False):
        available = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise SettingsError("--device", name, f"one of {available} on this machine", "use --device auto")
    if name == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device
    return torch.device(name)


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bf16 matrices itself, which makes a training step about twice as fast."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
