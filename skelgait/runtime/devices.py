"""Choice of the torch device. Importing this module does not import torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from skelgait.errors import PathLike, SettingsError

if TYPE_CHECKING:
    import torch

INSTALL_TORCH = "pip install torch --index-url https://download.pytorch.org/whl/cpu"
"""Shortest installation of PyTorch for the CPU."""


def has_torch() -> bool:
    """Return True if PyTorch is installed, without importing it."""
    return find_spec("torch") is not None


def require_torch(where: PathLike, hint: str = "") -> None:
    """Check that PyTorch is installed.

    Args:
        where: file, flag or command that needs it.
        hint: another way that needs no PyTorch; default: none.

    Raises:
        SettingsError: if it is not.
    """
    if not has_torch():
        other = f", or {hint}" if hint else ""
        raise SettingsError(where, "no PyTorch", "PyTorch, which this needs", f"run `{INSTALL_TORCH}`{other}")


def pick_device(name: str) -> torch.device:
    """Return the torch device with this name.

    Under a launcher, each process gets a CUDA device of its own.

    Args:
        name: `cuda`, `mps`, `cpu`, or `auto`: CUDA if available, else MPS, else CPU.

    Raises:
        SettingsError: if this machine has no such device, or if PyTorch is missing.
    """
    require_torch(f"--device {name}")
    import torch

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


def distance_device(name: str) -> torch.device | None:
    """Return the torch device for distances; None: the CPU, which needs no torch.

    Args:
        name: `cuda`, `mps`, `cpu`, or `auto`: as `pick_device`, and the CPU without PyTorch.

    Raises:
        SettingsError: if this machine has no such device, or if PyTorch is missing.
    """
    if name == "cpu" or (name == "auto" and not has_torch()):
        return None
    return pick_device(name)


@contextmanager
def exact_convolutions(device: torch.device) -> Iterator[None]:
    """Let convolutions on CUDA compute in full float32, and give the same bits every time, while the block runs.

    By default PyTorch computes them in TF32, with 10 bits instead of 23, and may add gradients in any order. Then
    float32 would be as coarse as fp16, and a resumed training would differ from an uninterrupted one. bf16 and fp16 are
    as fast as before.

    Args:
        device: device that computes; on others than CUDA nothing changes.
    """
    if device.type != "cuda":
        yield
        return
    from torch.backends import cudnn

    before = cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark
    cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = False, True, False
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = before


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return the autocast context for a precision.

    Args:
        precision: float32 (no autocast), bf16 or fp16.
        device: device of the network.
    """
    import torch

    dtype = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    return torch.autocast(device.type, dtype, enabled=dtype is not None)
