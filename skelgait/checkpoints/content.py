"""Reader of the content of a file of torch.save, which cannot grow far beyond the size of its file."""

from __future__ import annotations

import io
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

from skelgait.checkpoints.numpy_names import NUMPY_NAMES, StoredArray
from skelgait.checkpoints.pickle_check import check_pickle
from skelgait.checkpoints.zip_file import has_records, read_checked_pickle
from skelgait.storage.pickles.references import check_references
from skelgait.storage.pickles.refusal import RefusedPickle

# Magic number, version, system, content, keys of the data: torch before 1.6 wrote them one after the other.
_N_OLD_PICKLES = 5


def read_content(path: Path) -> object:
    """Return the content of a file of torch.save: plain tensors on the CPU, numbers, text and containers of these.

    Args:
        path: file to read.

    Raises:
        CheckpointError: if a record is damaged or compressed, or the zip file is unusual.
        RefusedPickle: if the file contains code, or far more values than bytes.
        Exception: if it is damaged; torch can raise anything.
    """
    size = path.stat().st_size
    _check_pickles(path, size)
    with _numpy_names_allowed():
        content = torch.load(path, map_location="cpu", weights_only=True)
    check_references(content, size)
    tensors: list[Tensor] = []
    try:
        content = _as_python(content, tensors.append)
    except RecursionError as error:
        raise RefusedPickle("lists and dictionaries nested too deeply") from error
    _check_tensors(tensors, size)
    return content


@contextmanager
def _numpy_names_allowed() -> Iterator[None]:
    """Let torch.load read numpy's names while the block runs."""
    # torch 2.4 has no context manager for this.
    before = list(get_safe_globals())
    add_safe_globals(NUMPY_NAMES)
    try:
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)


def _check_pickles(path: Path, size: int) -> None:
    if has_records(path):
        data = read_checked_pickle(path)
        check_pickle(io.BytesIO(data), len(data), size)
        return
    with path.open("rb") as stream:
        for _ in range(_N_OLD_PICKLES):
            check_pickle(stream, size, size)


def _as_python(content: Any, add_tensor: Callable[[Tensor], None]) -> Any:
    """Return the content with numpy scalars, also in containers, as Python numbers; pass each tensor to a function."""
    if isinstance(content, np.generic):
        return content.item()
    if isinstance(content, StoredArray):
        return content.value
    if isinstance(content, Tensor):
        add_tensor(content)
    if type(content) in (dict, OrderedDict, Counter):
        return type(content)(
            {_as_python(name, add_tensor): _as_python(item, add_tensor) for name, item in content.items()}
        )
    if type(content) in (list, tuple):
        return type(content)(_as_python(item, add_tensor) for item in content)
    return content


def _check_tensors(tensors: list[Tensor], size: int) -> None:
    """Refuse tensors that repeat their data, such as expanded ones, or that have more data than the file."""
    storages = {}
    for tensor in tensors:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        if tensor.numel() * tensor.itemsize > storage.nbytes():
            found = f"a tensor {tuple(tensor.shape)} that repeats {storage.nbytes()} bytes of data"
            raise RefusedPickle(f"{found}; save it with .contiguous()")
    if sum(storages.values()) > size:
        raise RefusedPickle(f"tensors of {sum(storages.values())} bytes in a file of {size}")
