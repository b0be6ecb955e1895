"""What becomes of memory that is freed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from skelgait.runtime import memory
from tests.paths import ROOT

# Both passes allocate 200 MB, in blocks as large as features, write to them and free them; the page faults of each.
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
    """Page faults of the first and of the second pass, in a process of their own."""
    command = [sys.executable, "-c", TWO_PASSES.format(keep=keep)]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout
    first, second = out.split()
    return int(first), int(second)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_pages_are_used_again() -> None:
    assert page_faults(keep=True)[1] < 100
    assert min(page_faults(keep=False)) > 1000  # without it, pages are new in both: 48828 of 4 kB


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(memory.ctypes, "CDLL", None)  # would fail where it is called
    memory.keep_freed_memory()
