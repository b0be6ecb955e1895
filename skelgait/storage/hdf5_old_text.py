"""Text of variable length in HDF5 files of skelgait 0.1.0, read by another process that is given seconds.

HDF5 stores such text in a heap without a checksum. On a damaged heap it may loop forever, which no thread of the same
process can stop.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_LIMIT_S = 10.0
# The folder of the caller is removed from the path: it may hold a file named h5py.py.
_PROGRAM = """
import sys; sys.path.pop(0)
import json, h5py
texts = {}
def collect(name, node):
    texts[node.name] = {key: node.attrs[key] for key in node.attrs if isinstance(node.attrs[key], str)}
with h5py.File(sys.argv[1], "r") as file:
    collect("/", file)
    file.visititems(collect)
json.dump(texts, sys.stdout)
"""


def read_old_texts(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Read the attributes of variable length in an HDF5 file, by object and name.

    Raises:
        ValueError: if they are damaged.
    """
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, modified_ns: int, size: int) -> Mapping[str, Mapping[str, str]]:  # noqa: ARG001 - cache keys
    command = [sys.executable, "-c", _PROGRAM, str(path)]
    try:
        result = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"attributes that cannot be read in {_LIMIT_S:.0f} seconds") from error
    if result.returncode:
        raise ValueError("attributes that cannot be read")
    texts: Mapping[str, Mapping[str, str]] = json.loads(result.stdout)
    return texts
