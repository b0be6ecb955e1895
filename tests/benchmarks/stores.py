"""Size of stored datasets, and random clips of 30 frames read per second, compared with the pickle tree.

Maps and silhouettes are those of real walks if `../shared` exists, otherwise of synthetic walks. All datasets are open;
every sequence is read once, in random order. Cold: the files are dropped from the file cache before. Warm: all files
have been read before. Prints a table, and one JSON object as the last line.

Run: python -m tests.benchmarks.stores
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from skelgait.preprocess.convert import convert_store
from skelgait.preprocess.maps import draw_dataset
from skelgait.sampling.frames import choose_frames
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, Modality, SequenceSource, open_source
from skelgait.storage.shards import ShardIndex, write_shard
from tests.conftest import SHARED
from tests.synthetic_data import write_dataset

REPEATS, INDEXED, IN_A_PART = 3, 150_000, 512
COMPRESSIONS = ("none", "lz4hc", "gzip")


def write_walks(folder: Path) -> None:
    """Write poses and silhouettes of real walks, or of synthetic ones."""
    if SHARED.is_dir():
        command = [sys.executable, str(SHARED / "tools" / "real_walkers.py"), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
    else:
        write_dataset(folder, people=24, views=4, frames=120)


def files_of(path: Path) -> list[Path]:
    """Return all files of a dataset."""
    return [file for file in path.rglob("*") if file.suffix in (".pkl", ".h5")]


def forget(files: Sequence[Path]) -> None:
    """Drop files from the file cache."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def remember(files: Sequence[Path]) -> None:
    """Read files once, into the file cache."""
    for file in files:
        file.read_bytes()


def reads_per_second(
    source: SequenceSource, order: Sequence[Key], clip_seed: int, prepare: Callable[[], None]
) -> float:
    """Return random clips per second, one clip of each sequence. Opening is not counted: training does it once."""
    choose = choose_frames("fixed_ordered", 30, 4, 720, np.random.default_rng(clip_seed))
    for key in order:
        source.read(key, choose)
    prepare()
    start = time.perf_counter()
    for key in order:
        source.read(key, choose)
    return len(order) / (time.perf_counter() - start)


def measure(stores: dict[str, Path], modality: Modality) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield size and speed of each dataset, the tree first. The datasets alternate, so that noise affects all."""
    sources = {name: open_source(path, modality) for name, path in stores.items()}
    files = {name: files_of(path) for name, path in stores.items()}
    order = np.random.default_rng(0).permutation(np.array(sources["pickle tree"].keys, dtype=object))
    keys = [Key(*key) for key in order]
    rates: dict[tuple[str, str], list[float]] = {}
    for repeat in range(REPEATS):
        for name, source in sources.items():
            for temperature, prepare in (("cold", forget), ("warm", remember)):
                rate = reads_per_second(source, keys, repeat, partial(prepare, files[name]))
                rates.setdefault((name, temperature), []).append(rate)
    sizes = {name: sum(file.stat().st_size for file in paths) for name, paths in files.items()}
    for name in stores:
        cold, warm = (statistics.median(rates[name, temperature]) for temperature in ("cold", "warm"))
        yield name, {"mb": sizes[name] / 1e6, "share": sizes[name] / sizes["pickle tree"], "cold": cold, "warm": warm}


def seconds_to_open(folder: Path) -> float:
    """Return the median time to open a dataset of many sequences."""
    for number, start in enumerate(range(0, INDEXED, IN_A_PART)):
        keys = [Key(f"{i // 10:05d}", "00", f"{i % 10:03d}") for i in range(start, min(start + IN_A_PART, INDEXED))]
        index = ShardIndex(keys, list(range(len(keys) + 1)), [key.view for key in keys])
        one = np.zeros((1, 2, 1, 1), np.uint8)
        write_shard(folder / f"shard-{number:05d}.h5", index, [one] * len(keys), "map", source="", settings={})
    times = []
    for _ in range(REPEATS):
        start_time = time.perf_counter()
        open_source(folder, "map")
        times.append(time.perf_counter() - start_time)
    return statistics.median(times)


def main() -> None:
    """Compare storage formats for maps and silhouettes."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_walks(folder)
        draw_dataset(open_source(folder / "poses", "pose"), folder / "maps", HeatmapSettings())
        for modality, tree in (("map", folder / "maps"), ("silhouette", folder / "silhouettes")):
            stores = {"pickle tree": tree}
            for compression in COMPRESSIONS:
                stores[f"HDF5, {compression}"] = store = folder / f"{modality}-{compression}"
                convert_store(open_source(tree, modality), store, "hdf5", compression=compression)  # type: ignore[arg-type]
            rows = dict(measure(stores, modality))  # type: ignore[arg-type]
            base = rows["pickle tree"]
            print(f"{modality}s: {len(open_source(tree, modality).keys)} sequences")  # type: ignore[arg-type]
            for store_name, row in rows.items():
                cold, warm = row["cold"] / base["cold"], row["warm"] / base["warm"]
                print(
                    f"  {store_name:12s} {row['mb']:6.0f} MB, {row['share']:4.2f} of the tree; "
                    f"reads/s: cold {row['cold']:6.0f} ({cold:4.1f} x), warm {row['warm']:6.0f} ({warm:4.1f} x)"
                )
            result[modality] = rows
        result["seconds_to_open"] = seconds_to_open(folder / "many")
        print(f"opening {INDEXED} sequences: {result['seconds_to_open']:.2f} s")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
