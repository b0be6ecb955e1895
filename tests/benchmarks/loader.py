"""How many frames a second the training loader gives, beside how many a training step takes, in one run.

Prints a card, and as its last line one JSON object. The loader is the one that training uses, with CCPG's batches
(8 x 16 sequences of 30 frames) and all of its augmentation, on synthetic walks that lie in the system's cache. A step
is one of `tests.benchmarks.training_step`: four sequences of 30 frames, on all cores, while no loader runs. The loader
takes turns with the steps, and of each the best counts.

What bounds it, in a worker: OpenCV's warps, 36 % (11 us for each of the two or three images of a frame, and a third of
the sequences are warped); reading, 32 to 36 %; copying a batch into memory that processes share, 11 %, above all the
kernel's page faults; joining clips, 3 to 7 %.

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
from skelgait.sampling.clips import Clips, batches
from skelgait.sampling.identities import IdentityBatches
from skelgait.settings.schema import HeatmapSettings
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource, open_pairs, open_source
from tests.benchmarks.training_step import CHANNELS, FRAMES, LABELS, Trainer, Variant
from tests.synthetic_data import write_dataset

WORKERS = (1, 2)
REPEATS, BATCHES = 3, 6
# The functions that a worker's time is told by, each with the file that it is in.
PARTS = {
    "reading": ("read", "storage"),
    "stacking": ("stack_modalities", "inputs.py"),
    "perspective": ("change_perspective", "augment.py"),
    "rotation": ("rotate", "augment.py"),
    "collating": ("_collate", "batch.py"),
    "sharing": ("share_memory_", "_tensor.py"),
}


def write_stores(folder: Path) -> dict[str, dict[str, SequenceSource]]:
    """64 walks of 120 frames; for each network the sources that it may be trained from."""
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


def training_clips(source: SequenceSource) -> tuple[Clips, IdentityBatches]:
    """What training with CCPG's settings, which are the defaults, draws from a source."""
    settings = TrainSettings()
    sampling = settings.sampling
    identities = sorted({key.identity for key in source.keys})
    labels = [identities.index(key.identity) for key in source.keys]
    clips = Clips(
        source, source.keys, labels, sampling=sampling.frames, clip_len=sampling.clip_len, skip=sampling.skip,
        max_frames=sampling.max_frames, augmentation=settings.augmentation.model_dump(), seed=0,
    )  # fmt: skip
    return clips, IdentityBatches(labels, sampling.identities_per_batch, sampling.sequences_per_identity, 0)


def frames_per_second(source: SequenceSource, workers: int) -> float:
    """What the loader gives to one who always waits for it, once all that was read ahead at the start is gone."""
    stream = batches(*training_clips(source), range(10**6), workers=workers, pin_memory=False)
    for _ in islice(stream, 2 * workers + 1):
        pass
    start = time.perf_counter()
    frames = sum(len(batch.frames) for batch in islice(stream, BATCHES))
    rate = frames / (time.perf_counter() - start)
    stream.close()
    return rate


def shares(source: SequenceSource) -> dict[str, float]:
    """Where the time of one worker goes, seen from within: this process does its work, on one thread as it does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    stream = batches(*training_clips(source), range(10**6), workers=0, pin_memory=False)
    next(stream)
    with cProfile.Profile() as profile:
        for batch in islice(stream, BATCHES):
            batch.frames.share_memory_()
    stream.close()
    torch.set_num_threads(threads)
    stats = pstats.Stats(profile)
    cumulative = {place: row[3] for place, row in stats.stats.items()}  # type: ignore[attr-defined]
    taken = {}
    for part, (function, file) in PARTS.items():
        # The longest, as reading a pair is reading maps and silhouettes.
        own = [t for (path, _, name), t in cumulative.items() if name == function and file in path]
        taken[part] = max(own, default=0.0)
    total = stats.total_tt  # type: ignore[attr-defined]
    return {**{part: t / total for part, t in taken.items()}, "the rest": 1 - sum(taken.values()) / total}


def race(network: str, sources: dict[str, SequenceSource]) -> dict[str, object]:
    """Let loader and steps of a network take turns, and print a card."""
    trainers = {size: Trainer(Variant("ours", network, "float32", size)) for size in CHANNELS}
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
    print(f"{network}, frames a second: " + ", ".join(f"a step with {s} widths {t:.0f}" for s, t in taken.items()))
    for name, rate in given.items():
        times = ", ".join(f"{rate / step:.0f} x {size}" for size, step in taken.items())
        print(f"  {name:<24}{rate:>8.0f}   ({times})")
    parts = {storage: shares(source) for storage, source in sources.items()}
    for storage, part in parts.items():
        print(f"  a worker's time, {storage}: " + ", ".join(f"{name} {share:.0%}" for name, share in part.items()))
    return {
        "loader frames/s": {name: round(rate) for name, rate in given.items()},
        "step frames/s": {size: round(rate, 1) for size, rate in taken.items()},
        "least ratio to CCPG step, 2 workers": round(
            min(r for n, r in given.items() if "2 workers" in n) / taken["CCPG"], 1
        ),
        "shares": {storage: {n: round(s, 3) for n, s in part.items()} for storage, part in parts.items()},
    }


def main() -> None:
    """Race both networks."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as name:
        stores = write_stores(Path(name))
        print(f"{usable_cores()} cores")
        results = {network: race(network, stores[network]) for network in NETWORKS}
    print(json.dumps({"benchmark": "loader", "cores": usable_cores(), **results}))


if __name__ == "__main__":
    main()
