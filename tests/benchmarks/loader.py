"""Frames per second of the data loader, beside the frames per second of a training step.

The loader is the one of training, with batches and augmentation of CCPG (8 x 16 sequences of 30 frames), on synthetic
walks in the file cache. A step is one of `tests.benchmarks.training_step`: four sequences of 30 frames, on all cores,
without a loader running. Loader and steps alternate; the best time of each counts. Prints a table, and one JSON object
as the last line.

Run: python -m tests.benchmarks.loader
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch

from skelgait.models import NETWORKS
from skelgait.preprocess.convert import convert_store
from skelgait.preprocess.maps import draw_dataset
from skelgait.preprocess.pairs import pair_sequences, write_pairs
from skelgait.runtime.cores import usable_cores
from skelgait.sampling.batch_sampler import IdentityBatchSampler
from skelgait.sampling.clips import Clips, clip_batches
from skelgait.settings.schema import HeatmapSettings
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource, open_pairs, open_source
from tests.benchmarks.training_step import CHANNELS, FRAMES, LABELS, Trainer, Variant
from tests.synthetic_data import write_dataset

WORKERS = (1, 2)
REPEATS, BATCHES = 3, 6
# Parts of the work of a loader process: function and file.
PARTS = {
    "reading": ("read", "storage"),
    "stacking": ("stack_modalities", "inputs.py"),
    "perspective": ("change_perspective", "augment.py"),
    "rotation": ("rotate", "augment.py"),
    "collating": ("_collate", "batch.py"),
    "sharing": ("share_memory_", "_tensor.py"),
}


def write_stores(folder: Path) -> dict[str, dict[str, SequenceSource]]:
    """Write 64 walks of 120 frames and return the training sources by network and storage."""
    write_dataset(folder, people=8, views=2, frames=120)
    draw_dataset(open_source(folder / "poses", "pose"), folder / "maps", HeatmapSettings())
    maps = {"pickle tree": open_source(folder / "maps", "map")}
    silhouettes = {"pickle tree": open_source(folder / "silhouettes", "silhouette")}
    for sources in (maps, silhouettes):
        tree = sources["pickle tree"]
        packed = folder / f"{tree.path.name}-hdf5"
        convert_store(tree, packed, "hdf5", compression="lz4hc")
        sources["HDF5, lz4hc"] = open_source(packed, tree.modalities[0])
    pairs = {}
    for storage, pattern in (("pickle tree", None), ("HDF5, lz4hc", "*.pkl")):
        out = folder / f"pairs {storage}"
        both = maps[storage], silhouettes[storage]
        write_pairs(pair_sequences(*both), *both, out, silhouette_pattern=pattern)
        pairs[storage] = open_pairs(out)
    return {"skeletongait": maps, "skeletongait++": pairs}


def training_clips(source: SequenceSource) -> tuple[Clips, IdentityBatchSampler]:
    """Return clips and batch sampler of training with the settings of CCPG, which are the defaults."""
    settings = TrainSettings()
    sampling = settings.sampling
    identities = sorted({key.identity for key in source.keys})
    labels = [identities.index(key.identity) for key in source.keys]
    clips = Clips(
        source, source.keys, labels, sampling=sampling.frames, clip_len=sampling.clip_len, skip=sampling.skip,
        max_frames=sampling.max_frames, augmentation=settings.augmentation.model_dump(), seed=0,
    )  # fmt: skip
    return clips, IdentityBatchSampler(labels, sampling.identities_per_batch, sampling.sequences_per_identity, 0)


def frames_per_second(source: SequenceSource, workers: int) -> float:
    """Return the speed of the loader, after the batches that it has read ahead are used up."""
    stream = clip_batches(*training_clips(source), workers=workers)
    for _ in islice(stream, 2 * workers + 1):
        pass
    start = time.perf_counter()
    frames = sum(len(batch.frames) for batch in islice(stream, BATCHES))
    rate = frames / (time.perf_counter() - start)
    stream.close()
    return rate


def shares(source: SequenceSource) -> dict[str, float]:
    """Return the fraction of time of each part of the loader's work, measured in this process on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    stream = clip_batches(*training_clips(source), workers=0)
    next(stream)
    with cProfile.Profile() as profile:
        for batch in islice(stream, BATCHES):
            batch.frames.share_memory_()
    stream.close()
    torch.set_num_threads(threads)
    stats = pstats.Stats(profile)
    cumulative = {function: row[3] for function, row in stats.stats.items()}  # type: ignore[attr-defined]
    taken = {}
    for part, (function, file) in PARTS.items():
        # The longest one: reading a pair calls the reading of maps and of silhouettes.
        times = [t for (path, _, name), t in cumulative.items() if name == function and file in path]
        taken[part] = max(times, default=0.0)
    total = stats.total_tt  # type: ignore[attr-defined]
    return {**{part: t / total for part, t in taken.items()}, "the rest": 1 - sum(taken.values()) / total}


def race(network: str, sources: dict[str, SequenceSource]) -> dict[str, object]:
    """Time loader and steps of a network in turn, and print a table."""
    trainers = {size: Trainer(Variant("skelgait", network, "float32", size)) for size in CHANNELS}
    given: dict[str, float] = {}
    taken: dict[str, float] = {}
    for _ in range(REPEATS):
        for storage, source in sources.items():
            for workers in WORKERS:
                name = f"{storage}, {workers} worker{'s' * (workers > 1)}"
                given[name] = max(frames_per_second(source, workers), given.get(name, 0.0))
        for size, trainer in trainers.items():
            taken[size] = max(len(LABELS) * FRAMES / trainer.seconds(), taken.get(size, 0.0))
    for trainer in trainers.values():
        trainer.end()
    print(f"{network}, frames per second: " + ", ".join(f"step with {s} widths {t:.0f}" for s, t in taken.items()))
    for name, rate in given.items():
        times = ", ".join(f"{rate / step:.0f} x {size}" for size, step in taken.items())
        print(f"  {name:<24}{rate:>8.0f}   ({times})")
    parts = {storage: shares(source) for storage, source in sources.items()}
    for storage, part in parts.items():
        print(
            f"  time of a loader process, {storage}: "
            + ", ".join(f"{name} {share:.0%}" for name, share in part.items())
        )
    return {
        "loader frames/s": {name: round(rate) for name, rate in given.items()},
        "step frames/s": {size: round(rate, 1) for size, rate in taken.items()},
        "least ratio to CCPG step, 2 workers": round(
            min(r for n, r in given.items() if "2 workers" in n) / taken["CCPG"], 1
        ),
        "shares": {storage: {n: round(s, 3) for n, s in part.items()} for storage, part in parts.items()},
    }


def main() -> None:
    """Compare loader and steps of all networks."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as name:
        stores = write_stores(Path(name))
        print(f"{usable_cores()} cores")
        results = {network: race(network, stores[network]) for network in NETWORKS}
    print(json.dumps({"benchmark": "loader", "cores": usable_cores(), **results}))


if __name__ == "__main__":
    main()
