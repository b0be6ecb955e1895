"""Reuse of freed memory."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from skelgait.runtime import memory
from tests.paths import ROOT

# Two passes, each of which allocates, writes and frees 200 MB in blocks of 20 MB; prints the page faults of each.
TWO_PASSES = """
import resource
from skelgait.runtime.memory import keep_freed_memory

def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [bytearray(20_000_000) for _ in range(10)]
    del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if {keep}:
    keep_freed_memory()
print(page_faults(), page_faults())
"""


def page_faults(*, keep: bool) -> tuple[int, int]:
    """Return the page faults of the first and of the second pass in a new process."""
    command = [sys.executable, "-c", TWO_PASSES.format(keep=keep)]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout
    first, second = out.split()
    return int(first), int(second)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_second_pass_reuses_freed_pages() -> None:
    assert page_faults(keep=True)[1] < 100
    assert min(page_faults(keep=False)) > 1000  # by default both passes use new pages: 48828 of 4 kB


def test_other_c_libraries_are_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)  # fails if called
    memory.keep_freed_memory()
