"""Commands on many small sequences, made on the fly: seconds and peak memory at two sizes.

Every command runs by itself. Its memory is the peak of the largest of its processes. `growth` divides the seconds of
all cores at the larger size by those at the smaller one, less those that the command takes with a few sequences. This
program imports nothing large, since a process starts with the peak of its parent. It fails if a command fails, if the
seconds of one grow clearly faster than n log n, or if one takes more than 2 GB.

Prints a table, and one JSON object as the last line.

Run: python -m tests.load [--sizes 15000 150000] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from tests.paths import ROOT

# Sequences of the run whose seconds are taken as those of starting the command.
FEW = 30
MEMORY_GB = 2.0
# Seconds differ between two runs on the same machine; a quadratic command grows by more.
TOLERANCE = 2.0


class Cost(NamedTuple):
    """Cost of a command: seconds on the clock, seconds of all cores, and gigabytes at the peak."""

    seconds: float
    cpu_seconds: float
    gigabytes: float


STAGES: dict[str, tuple[str, ...]] = {
    "inspect (poses)": ("skelgait", "inspect", "poses"),
    "heatmap (every tenth)": ("skelgait", "heatmap", "--poses", "tenth", "--maps", "drawn", "--storage", "hdf5"),
    "heatmap (drawn before)": ("skelgait", "heatmap", "--poses", "tenth", "--maps", "drawn", "--storage", "hdf5"),
    "link": ("skelgait", "link", "--storage", "hdf5"),
    "convert": ("skelgait", "convert", "silhouettes", "silhouettes_hdf5"),
    "inspect (pairs)": ("skelgait", "inspect", "pairs"),
    "1000 training batches": ("tests.load.sampler", "maps"),
    "evaluate": (
        *("skelgait", "evaluate", "--embeddings", "embeddings.h5", "--partition", "partition.json"),
        *("--protocol", "protocol.yaml", "--bootstrap-samples", "100"),
    ),
}


def measure(folder: Path, stage: str) -> Cost:
    """Run a command in `folder` and return its cost.

    Raises:
        SystemExit: if the command fails.
    """
    start = time.perf_counter()
    with (folder / "log.txt").open("w") as log:
        process = _start(folder, *STAGES[stage], log=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{stage}: status {process.returncode}\n{(folder / 'log.txt').read_text()}")
    return Cost(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9)


def _start(folder: Path, *module: str, log: IO[str] | None = None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", *module], cwd=folder, env=environment, stdout=log, stderr=log)


def measure_all(folder: Path, size: int) -> dict[str, Cost]:
    """Return the cost of every command on `size` sequences."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        if _start(Path(name), "tests.load.inputs", ".", str(size)).wait():
            sys.exit("the inputs cannot be written")
        return {stage: measure(Path(name), stage) for stage in STAGES}


def growth(few: Cost, small: Cost, large: Cost) -> float:
    """Return by how many times the seconds of all cores grow. Less than a tenth of a second is not measured."""
    return max(large.cpu_seconds - few.cpu_seconds, 0.1) / max(small.cpu_seconds - few.cpu_seconds, 0.1)


def run(sizes: Sequence[int], folder: Path) -> bool:
    """Print the table. Return if every command keeps the limits."""
    few, small, large = (measure_all(folder, size) for size in (FEW, *sizes))
    limit = TOLERANCE * sizes[1] * math.log(sizes[1]) / (sizes[0] * math.log(sizes[0]))
    print(f"{'command':24} {sizes[0]:>9} {sizes[1]:>9} {'growth':>7} {'GB':>6} {'GB':>6}")
    for stage in STAGES:
        costs = (small[stage], large[stage])
        seconds = " ".join(f"{cost.seconds:8.1f}s" for cost in costs)
        memory = " ".join(f"{cost.gigabytes:6.2f}" for cost in costs)
        print(f"{stage:24} {seconds} {growth(few[stage], *costs):7.1f} {memory}")
    print(json.dumps({stage: {"small": small[stage], "large": large[stage]} for stage in STAGES}))
    return all(
        growth(few[stage], small[stage], large[stage]) <= limit and large[stage].gigabytes < MEMORY_GB
        for stage in STAGES
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs=2, default=(15_000, 150_000), metavar="N")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="folder with 10 GB of room")
    args = parser.parse_args()
    sys.exit(0 if run(args.sizes, args.folder) else "a command is above a limit")


if __name__ == "__main__":
    main()
