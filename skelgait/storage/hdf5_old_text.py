"""Text of variable length in HDF5 files of skelgait 0.1.0, read by another process that is given seconds.

HDF5 stores such text in a heap without a checksum. On a damaged heap it may loop forever, which no thread of the same
process can stop.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_LIMIT_S = 10.0
# The folder of the caller is removed from the path: it may hold a file named h5py.py. Attributes may repeat one text of
# a file, or declare a length that it does not have: the text may not be longer than the file.
_PROGRAM = """
import sys; sys.path.pop(0)
import json, os, h5py
limit = os.path.getsize(sys.argv[1])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2**30 + 8 * limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
except (ImportError, ValueError):
    pass  # on Windows, or if the limit is lower already
texts = {}
def is_text(node, key):
    attribute = h5py.h5a.open(node.id, key.encode())
    kind = attribute.get_type()
    return isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str() and attribute.shape == ()
def collect(name, node):
    global limit
    texts[node.name] = {}
    for key in node.attrs:
        if is_text(node, key):
            texts[node.name][key] = text = node.attrs[key]
            limit -= len(text)
            if limit < 0:
                sys.exit("more text than the file holds")
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
    # Each thread of numpy would take memory from the limit.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _PROGRAM, str(path)]
    try:
        result = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False, env=environment)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"attributes that cannot be read in {_LIMIT_S:.0f} seconds") from error
    if result.returncode:
        lines = result.stderr.decode(errors="replace").splitlines()
        raise ValueError(": ".join(["attributes that cannot be read", *lines[-1:]]))
    texts: Mapping[str, Mapping[str, str]] = json.loads(result.stdout)
    return texts
