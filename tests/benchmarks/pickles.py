"""Pickle files read per second, beside another copy of skelgait.

Trees as numpy writes them with protocols 3, 4 and 5: poses, maps, and lists and dictionaries with arrays in them. Both
copies run in processes of their own, which read all files in turn; the median of the ratios counts. Prints a table,
and one JSON object as the last line.

Run: python -m tests.benchmarks.pickles [--beside FOLDER_WITH_ANOTHER_COPY]
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from tests.paths import ROOT

REPEATS = 15
# Reads the files of a folder for each line of input, and prints the seconds of CPU time.
READER = """
import sys, time
from pathlib import Path
from skelgait.storage.arrays import read_pickled, read_pickled_array, read_pickled_header
for line in sys.stdin:
    mode, folder = line.split(" ", 1)
    read = {"array": read_pickled_array, "header": read_pickled_header,
            "content": lambda path: read_pickled(path, "numbers")}[mode]
    files = sorted(Path(folder.strip()).iterdir())
    start = time.process_time()
    for file in files:
        read(file)
    print(time.process_time() - start, flush=True)
"""


def poses(rng: np.random.Generator, frames: int) -> object:
    return rng.random((frames, 17, 3), np.float32)


def maps(rng: np.random.Generator, frames: int) -> object:
    return rng.integers(0, 256, (frames, 2, 64, 64), np.uint8)


def sequences(rng: np.random.Generator, frames: int) -> object:
    keypoints = rng.random((1, frames, 17, 2)).astype(np.float16)
    scores = rng.random((1, frames, 17)).astype(np.float16)
    return [
        {"frame_dir": f"S{n:05d}", "label": n, "img_shape": (1080, 1920), "total_frames": frames,
         "keypoint": keypoints + n % 7, "keypoint_score": scores + 0}
        for n in range(200)
    ]  # fmt: skip


def rows(rng: np.random.Generator, frames: int) -> object:
    return rng.random((frames, 51)).tolist()


CASES: dict[str, tuple[str, Callable[[np.random.Generator, int], object], int, int]] = {
    "short poses": ("array", poses, 30, 300),
    "long poses": ("array", poses, 1000, 100),
    "maps": ("array", maps, 120, 40),
    "long maps": ("array", maps, 1000, 5),
    "headers of maps": ("header", maps, 120, 100),
    "annotations": ("content", sequences, 80, 2),
    "lists of rows": ("content", rows, 300, 20),
}


def write(folder: Path, make: Callable[[np.random.Generator, int], object], frames: int, files: int) -> None:
    """Write files with the three protocols in turn."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(files):
        (folder / f"{number:05d}.pkl").write_bytes(pickle.dumps(make(rng, frames), 3 + number % 3))


def start(copy: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", READER], env=environment, cwd=copy, text=True, stdin=-1, stdout=-1
    )  # fmt: skip


def seconds(reader: subprocess.Popen[str], mode: str, folder: Path) -> float:
    reader.stdin.write(f"{mode} {folder}\n")
    reader.stdin.flush()
    return float(reader.stdout.readline())


def alternate(copies: Iterable[Path], mode: str, folder: Path) -> list[list[float]]:
    """Return the seconds of each copy; the copies alternate, so that noise affects all."""
    readers = [start(copy) for copy in copies]
    times: list[list[float]] = [[] for _ in readers]
    for repeat in range(REPEATS + 1):
        for index, reader in enumerate(readers):
            taken = seconds(reader, mode, folder)
            if repeat:  # the first run warms up
                times[index].append(taken)
    for reader in readers:
        reader.stdin.close()
        reader.wait()
    return times


def main() -> None:
    """Print files per second, and the ratio to the other copy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="folder with another copy of skelgait")
    beside = parser.parse_args().beside
    copies = [ROOT, *([beside.resolve()] if beside else [])]
    result = {}
    with tempfile.TemporaryDirectory() as name:
        for case, (mode, make, frames, files) in CASES.items():
            folder = Path(name, case.replace(" ", "-"))
            write(folder, make, frames, files)
            times = alternate(copies, mode, folder)
            rate = files / statistics.median(times[0])
            ratio = statistics.median(b / a for a, b in zip(times[0], times[-1], strict=True))
            result[case] = {"files/s": round(rate, 1), "ratio": round(ratio, 2) if beside else None}
            print(f"{case:<18}{rate:>10.0f} files/s" + (f"   {ratio:.2f} x the other copy" if beside else ""))
    print(json.dumps({"benchmark": "pickles", **result}))


if __name__ == "__main__":
    main()
