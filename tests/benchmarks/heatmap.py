"""Time to draw skeleton maps, compared with plain loops in numpy, on one core.

Synthetic walks are compared with the plain loops of the tests. If `../shared` exists, its walks and real walks are
compared with its reference program. Prints a table, and one JSON object as the last line.

Run: python -m tests.benchmarks.heatmap
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.maps import skeleton_maps
from skelgait.maps.fill import fill_missing
from skelgait.storage import open_source
from skelgait.synth.anthropometry import sample_person
from skelgait.synth.camera import Camera, simulate_detection
from skelgait.synth.gait import walk
from tests.conftest import SHARED
from tests.maps.plain_maps import plain_maps

Poses = NDArray[np.floating]
Draw = Callable[[Poses], object]

FRAMES, REPEATS, REAL_SEQUENCES = 120, 5, 15


def walker(lost: float) -> Poses:
    """Return a synthetic walk, (FRAMES, 17, 3).

    Args:
        lost: fraction of missing joints, in [0, 1].
    """
    rng = np.random.default_rng(0)
    joints, _ = walk(sample_person(rng), "normal", FRAMES, rng)
    return simulate_detection(*Camera(40.0).project(joints), rng, 1.5, lost)


def reference() -> Draw:
    """Return the drawing function of the reference program."""
    spec = spec_from_file_location("reference_maps", SHARED / "tools" / "reference_maps.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(SHARED / "tools" / "reference_maps.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.skeleton_maps  # type: ignore[no-any-return]


def reference_walks() -> Iterator[tuple[str, list[Poses]]]:
    """Yield the walks of `../shared`: name and poses."""
    for case in ("clean_front", "drop3"):
        with np.load(SHARED / "parity" / "heatmap" / f"{case}.npz") as stored:
            yield case, [np.concatenate([stored["pose"]] * (FRAMES // len(stored["pose"]) + 1))[:FRAMES]]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, str(SHARED / "tools" / "real_walkers.py"), folder], check=True, capture_output=True
        )
        source = open_source(Path(folder) / "poses", "pose")
        keys = source.keys[:: len(source.keys) // REAL_SEQUENCES][:REAL_SEQUENCES]
        yield "real walks", [source.read(key)[0] for key in keys]


def seconds(run: Draw, walks: list[Poses]) -> float:
    """Return the median time of a pass over all walks, after one warm-up pass."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        for poses in walks:
            run(poses)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def race(name: str, walks: list[Poses], plain: Draw) -> dict[str, float]:
    """Time both programs and print a line."""
    per_frame = 1e6 / sum(map(len, walks))
    fast, slow = per_frame * seconds(skeleton_maps, walks), per_frame * seconds(plain, walks)
    filling = per_frame * seconds(lambda poses: fill_missing(poses[..., :2], "knn"), walks)
    print(f"{name:25s} {fast:6.1f} us per frame (filling: {filling:4.1f}); plain {slow:6.0f}, ratio {slow / fast:5.1f}")
    return {"us_per_frame": fast, "filling_us": filling, "ratio": slow / fast}


def main() -> None:
    """Compare on complete walks, on walks with missing joints, and on real walks."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    cv2.setNumThreads(1)
    result = {
        "synthetic, clean": race("synthetic, clean", [walker(0.0)], plain_maps),
        "synthetic, missing joints": race("synthetic, missing joints", [walker(0.03)], plain_maps),
    }
    if SHARED.is_dir():
        result |= {name: race(name, walks, reference()) for name, walks in reference_walks()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
