"""Simulated CUDA device: tensors in CPU memory that behave as if they were on `cuda:0`.

Code that asks for the device of such a tensor takes its path for CUDA. Operations that mix the tensors of both devices,
or that read the device as an array, raise errors as PyTorch does. The arithmetic is that of the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from skelgait.maps import on_device as maps_on_device

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
_MOVING = {"to", "copy_", "__set__", "__get__"}
_INDEXING = {"__getitem__", "__setitem__"}
_READING = {"numpy", "__array__"}

Arguments = tuple[Any, ...]


class DeviceTensor(Tensor):
    """Tensor on the simulated device."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return CUDA

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    @property
    def grad(self) -> Tensor | None:
        with torch._C.DisableTorchFunctionSubclass():
            gradient = Tensor.grad.__get__(self)  # type: ignore[attr-defined]
            return None if gradient is None else gradient.as_subclass(DeviceTensor)

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        with torch._C.DisableTorchFunctionSubclass():
            Tensor.grad.__set__(self, gradient)  # type: ignore[attr-defined]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _on_host(self).__reduce_ex__(protocol)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Arguments = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs, name = kwargs or {}, function.__name__
        _refuse_mixing(name, args, kwargs)
        if name in _READING:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        result = super().__torch_function__(function, types, args, kwargs)
        if name == "cpu" or (name == "to" and _wanted_device(args, kwargs) == CPU):
            return _on_host(result)
        return result


class _Placement(TorchFunctionMode):
    """Mode that creates tensors on the simulated device, and moves tensors there."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Arguments = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function is torch.device or _wanted_device(args, kwargs) != CUDA:
            return function(*args, **kwargs)
        result = function(*tree_map(_on_cpu, args), **tree_map(_on_cpu, kwargs))
        return tree_map(_on_device, result)


def _wanted_device(args: Arguments, kwargs: Mapping[str, Any]) -> torch.device | None:
    """Return the device in the arguments of a function; None if it is the device of its tensors."""
    for value in (kwargs.get("device"), *args):
        if isinstance(value, torch.device):
            return CUDA if value.type == "cuda" else value
        if isinstance(value, str) and value in ("cpu", "cuda", "cuda:0"):
            return CPU if value == "cpu" else CUDA
    return None


def _on_cpu(value: Any) -> Any:
    return CPU if isinstance(value, torch.device) or (isinstance(value, str) and value.startswith("cuda")) else value


def _on_device(value: Any) -> Any:
    return value.as_subclass(DeviceTensor) if isinstance(value, Tensor) else value


def _on_host(tensor: Tensor) -> Tensor:
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(Tensor)


def _refuse_mixing(name: str, args: Arguments, kwargs: Mapping[str, Any]) -> None:
    """Raise the error of PyTorch for tensors of two devices; single numbers and indices may be on the CPU."""
    if name in _MOVING:
        return
    if name in _INDEXING and isinstance(args[0], DeviceTensor):
        args = args[2:]  # the new values
    tensors = [value for value in tree_leaves((args, dict(kwargs))) if isinstance(value, Tensor)]
    with torch._C.DisableTorchFunctionSubclass():
        kinds = {isinstance(tensor, DeviceTensor) for tensor in tensors if tensor.dim()}
    if len(kinds) == 2:
        raise RuntimeError(f"Expected all tensors to be on the same device, but {name} got cpu and cuda:0")


def _module_to(module: nn.Module, device: torch.device) -> nn.Module:
    """Move the parameters and buffers of a module: `nn.Module.to` would move their data alone."""
    if device == CUDA:
        for part in module.modules():
            for name, parameter in part._parameters.items():
                if parameter is not None and not isinstance(parameter, DeviceTensor):
                    part._parameters[name] = nn.Parameter(_on_device(parameter.detach()), parameter.requires_grad)
            for name, buffer in part._buffers.items():
                part._buffers[name] = _on_device(buffer)
    return module


@contextmanager
def simulated_cuda() -> Iterator[None]:
    """Let PyTorch have one CUDA device while the block runs."""
    autocast, scaler = torch.autocast, torch.amp.GradScaler
    replacements: dict[str, Any] = {
        "torch.cuda.is_available": lambda: True,
        "torch.cuda.device_count": lambda: 1,
        "torch.cuda.set_device": lambda _: None,
        "torch.cuda.get_device_name": lambda _=None: "simulated",
        "torch.nn.Module.to": _module_to,
        "torch.autocast": lambda _, *args, **kwargs: autocast("cpu", *args, **kwargs),
        "torch.amp.GradScaler": lambda _, *args, **kwargs: scaler("cpu", *args, **kwargs),
    }
    with ExitStack() as stack:
        for target, replacement in replacements.items():
            stack.enter_context(patch(target, replacement))
        stack.callback(maps_on_device._grays.cache_clear)
        stack.callback(maps_on_device._weights_on.cache_clear)
        stack.enter_context(_Placement())
        yield
