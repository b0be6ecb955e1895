"""Rank-1 on real walks: a small network trained on synthetic walkers, beside untrained weights and real people.

POSES is a pose tree <person>/<condition>/<view>/<view>.pkl. The gallery is one condition, the probes are all others.
Rank-1 is the mean over pairs of the same view, and over pairs of different views. Each seed splits the people into two
halves; all methods are tested on one half at a time, so that the network of real people can be trained on the other.
Every method sees every fifth frame.

Run: python -m tests.benchmarks.first_network POSES [--quick]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait import distance_matrix, open_source, skeleton_maps
from skelgait.embeddings.torch_model import TorchModel
from skelgait.models import GaitNetwork
from skelgait.pipelines.first_network import STEPS, MapBatch, synthetic_batches, train_on, untrained_network
from skelgait.storage import Key

GAP = 5  # frames at 30 per second
CLIP_GAPS = (4, 5, 6)
CLIP_FRAMES, SEQUENCES = 4, 3
BATCH = 8

Maps = NDArray[np.uint8]
Embed = Callable[[list[Maps]], NDArray[np.float32]]


def read_maps(poses: Path) -> dict[Key, Maps]:
    """Return the maps (T, 2, 64, 44) of all sequences."""
    source = open_source(poses, "pose")
    return {key: skeleton_maps(source.read(key)[0]).maps[..., 10:54] for key in source.keys}


def mean_map(clips: list[Maps]) -> NDArray[np.float32]:
    """Return the mean of the maps of each sequence, as an embedding with one strip."""
    return np.stack([clip.mean(axis=0, dtype=np.float64).reshape(-1, 1) / 255 for clip in clips]).astype(np.float32)


def embed_with(network: GaitNetwork) -> Embed:
    """Return a function that embeds sequences with a network."""
    model = TorchModel(network, torch.device("cpu"))

    def embed(clips: list[Maps]) -> NDArray[np.float32]:
        batches = [clips[start : start + BATCH] for start in range(0, len(clips), BATCH)]
        rows = [model.embed(np.concatenate(batch), [len(clip) for clip in batch])[0] for batch in batches]
        return np.concatenate(rows).swapaxes(1, 2)

    return embed


def real_batches(maps: dict[Key, Maps], people: list[str], seed: int) -> Iterator[MapBatch]:
    """Yield batches of clips of real people, endlessly: all people in random order, `SEQUENCES` of each."""
    rng = np.random.default_rng(seed)
    keys = {person: [key for key in maps if key.identity == person] for person in people}
    while True:
        clips = []
        for person in rng.choice(people, len(people), replace=False):
            for number in rng.choice(len(keys[person]), SEQUENCES, replace=False):
                gap = int(rng.choice(CLIP_GAPS))
                frames = maps[keys[person][number]]
                start = int(rng.integers(0, len(frames) - gap * (CLIP_FRAMES - 1)))
                clips.append(frames[start : start + gap * CLIP_FRAMES : gap][:CLIP_FRAMES])
        yield MapBatch(np.stack(clips), np.repeat(np.arange(len(people)), SEQUENCES))


def rank_1(distances: NDArray[np.float32], keys: list[Key], gallery: str) -> dict[str, float]:
    """Return rank-1 in percent, averaged over pairs of the same view and over pairs of different views."""
    rates = defaultdict(list)
    views = sorted({key.view for key in keys})
    for probe_view in views:
        probes = [i for i, key in enumerate(keys) if key.condition != gallery and key.view == probe_view]
        for view in views:
            entries = [i for i, key in enumerate(keys) if key.condition == gallery and key.view == view]
            nearest = distances[np.ix_(probes, entries)].argmin(axis=1)
            hits = [keys[entries[j]].identity == keys[i].identity for i, j in zip(probes, nearest, strict=True)]
            rates["same" if view == probe_view else "other"].append(100 * float(np.mean(hits)))
    return {name: float(np.mean(values)) for name, values in rates.items()}


def test_on(people: list[str], embed: Embed, maps: dict[Key, Maps], gallery: str) -> dict[str, float]:
    """Return the rank-1 of an embedding on some people."""
    keys = [key for key in maps if key.identity in people]
    values = embed([maps[key][::GAP] for key in keys])
    return rank_1(distance_matrix(values, values), keys, gallery)


def run_seed(seed: int, maps: dict[Key, Maps], gallery: str, steps: int) -> dict[str, dict[str, float]]:
    """Return the rank-1 of each method for one seed, the mean of both halves of the people."""
    people = np.random.default_rng(seed).permutation(sorted({key.identity for key in maps})).tolist()
    halves = people[: len(people) // 2], people[len(people) // 2 :]
    methods = {
        "mean of the maps": mean_map,
        "untrained": embed_with(untrained_network(seed)),
        "synthetic walkers": embed_with(train_on(synthetic_batches(seed), seed, steps)),
    }
    rates = {name: [test_on(half, embed, maps, gallery) for half in halves] for name, embed in methods.items()}
    rates["other real people"] = []
    for train, test in (halves, halves[::-1]):
        network = train_on(real_batches(maps, train, seed), seed, steps)
        rates["other real people"].append(test_on(test, embed_with(network), maps, gallery))
    return {
        name: {view: float(np.mean([half[view] for half in both])) for view in ("same", "other")}
        for name, both in rates.items()
    }


def main() -> None:
    """Compare all methods and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poses", nargs="?", type=Path, help="pose tree of real walks; default: measure nothing")
    parser.add_argument("--gallery", default="n-01", help="condition of the gallery")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--quick", action="store_true", help="one seed, 20 steps")
    arguments = parser.parse_args()
    results: list[dict[str, dict[str, float]]] = []
    if arguments.poses is None:
        print("skipped: no POSES, a pose tree of real walks")
    else:
        maps, start = read_maps(arguments.poses), time.perf_counter()
        for seed in range(1 if arguments.quick else arguments.seeds):
            results.append(run_seed(seed, maps, arguments.gallery, 20 if arguments.quick else STEPS))
            print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
        print(f"{'rank-1 (percent), mean and range':<34}{'same view':>22}{'other view':>22}")
        for name in results[0]:
            cells = (np.array([result[name][view] for result in results]) for view in ("same", "other"))
            print(f"{name:<34}" + "".join(f"{c.mean():>8.1f} ({c.min():.1f} to {c.max():.1f})" for c in cells))
    print(json.dumps({"benchmark": "first_network", "seeds": results}))


if __name__ == "__main__":
    main()
