"""How fast maps are drawn, against plain loops over frames in numpy, in one run on one core.

Prints a card, and as its last line one JSON object. What bounds it now: OpenCV's resize by area in double precision,
0.06 ms of 0.15 ms a frame, then the distances to limbs, 0.03 ms, and the grey levels, 0.03 ms, on a 2.6 GHz AMD EPYC.

Run: python -m tests.benchmarks.heatmap
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.maps import skeleton_maps
from skelgait.walkers.anthropometry import sample_person
from skelgait.walkers.camera import Camera, detect
from skelgait.walkers.gait import walk
from tests.maps.plain_maps import plain_maps

FRAMES, REPEATS = 120, 5


def walker(lost: float) -> NDArray[np.float32]:
    """A synthetic walk, (FRAMES, 17, 3)."""
    rng = np.random.default_rng(0)
    joints, _ = walk(sample_person(rng), "normal", FRAMES, rng)
    return detect(*Camera(40.0).project(joints), rng, 1.5, lost)


def seconds(run: Callable[[], object]) -> float:
    """Median time of a call, after one to warm up."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Race both on a clean walk and on one with lost joints."""
    cv2.setNumThreads(1)
    result = {}
    for name, lost in (("clean", 0.0), ("lost joints", 0.03)):
        poses = walker(lost)
        ours, plain = seconds(lambda p=poses: skeleton_maps(p)), seconds(lambda p=poses: plain_maps(p))  # type: ignore[misc]
        result[name] = {"us_per_frame": 1e6 * ours / FRAMES, "ratio": plain / ours}
        print(
            f"{name:12s} {1e6 * ours / FRAMES:6.0f} us a frame, plain {1e6 * plain / FRAMES:6.0f}, {plain / ours:.1f} x"
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
