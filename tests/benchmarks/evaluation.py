"""Evaluation at the real size of every protocol, on random embeddings of 256 x 16, and of a gallery of a million.

Each protocol runs completely (distances, ranks, metrics, 95 % intervals) in its own process. Its peak memory includes
the embeddings. The same process measures the speed of distances as a fraction of torch.mm in float32 (2048 x 2048 by
2048 x 2048), and the ranking time per probe: with a loop over probes as in re-identification code, with a lean loop,
and with skelgait.

The million is in a file of 16 GB in a temporary folder. It is mapped into memory part by part, and read from the disk
if the file cache is too small. Prints a table, and one JSON object as the last line.

Run: python -m tests.benchmarks.evaluation [--million FOLDER] [PROTOCOL ...]
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.datasets import Group, Protocol, Table, custom_protocol, find_dataset
from skelgait.embeddings import EmbeddingFacts, Embeddings, open_embeddings, write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.evaluation import score
from skelgait.evaluation.evaluation_set import EvaluationSet, Members
from skelgait.evaluation.identification import identify
from skelgait.matching.distances import distance_rows
from skelgait.matching.ranking import Gallery, rank_matches
from skelgait.runtime.memory import keep_freed_memory
from skelgait.storage import Key

STRIPS, WIDTH = 16, 256
MATRIX = 2048
PROBES = 1000
MILLION = 10**6


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def matrix_rate() -> float:
    """Return the operations per second of torch.mm, best of eight runs."""
    a, b, out = (torch.randn(MATRIX, MATRIX) for _ in range(3))
    return 2 * MATRIX**3 / min(seconds(lambda: torch.mm(a, b, out=out)) for _ in range(8))


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def keys_of(protocol: str) -> Iterator[Key]:
    """Yield about as many keys as the test set has, in its form."""
    if protocol == "OUMVLP":
        views = [f"{angle:03d}" for angle in (*range(0, 91, 15), *range(180, 271, 15))]
        yield from (Key(f"{i:05d}", c, v) for i in range(5154) for c in ("00", "01") for v in views)
    elif protocol == "GREW":
        yield from (Key(f"{i:05d}", c, "v") for i in range(6000) for c in ("01", "02"))
        yield from (Key("probe", "03", f"{i:05d}") for i in range(12000))
    elif protocol == "Gait3D":
        probes = find_dataset("Gait3D").partition().probes
        yield from (Key(*probe) for probe in sorted(probes))
        identities = sorted({identity for identity, _, _ in probes})
        yield from (Key(identities[i % 1000], f"camid90_videoid{i}", "seq0") for i in range(5369))
    elif protocol == "CCPG":
        conditions = ("U0_D0", "U0_D0_BG", "U0_D3", "U1_D0", "U1_D1", "U2_D2", "U3_D3")
        yield from (Key(f"{i:03d}", c, f"{v:02d}_0") for i in range(100, 200) for c in conditions for v in range(1, 13))
    elif protocol == "SUSTech1K":
        kinds = ("01-nm", "01-bg", "02-cl", "01-cr", "01-ub", "01-uf", "01-oc", "01-nt")
        for i in range(800):
            yield from (Key(f"{i:04d}", c, f"{v:03d}") for c in ("00-nm", kinds[i % 8]) for v in range(0, 360, 30))


def random_embeddings(keys: Sequence[Key]) -> Embeddings:
    """Return embeddings with the memory layout of `embed`: the values of a strip are contiguous."""
    generator = torch.Generator().manual_seed(0)
    return Embeddings(keys, torch.randn(len(keys), STRIPS, WIDTH, generator=generator).transpose(1, 2))


def plain_ranks(distances: NDArray[np.float32], identities: NDArray[np.int64], gallery: NDArray[np.int64]) -> None:
    """Compute CMC, AP and INP by a loop over probes, as in re-identification code."""
    order = np.argsort(distances, axis=1)
    are_matches = gallery[order] == identities[:, None]
    curves, precisions, penalties = [], [], []
    for is_match in are_matches:
        if not is_match.any():
            continue
        found = is_match.cumsum()
        last = np.flatnonzero(is_match)[-1]
        penalties.append(found[last] / (last + 1))
        curves.append(np.minimum(found, 1)[:50])
        each = np.array([n / (index + 1.0) for index, n in enumerate(found)]) * is_match
        precisions.append(each.sum() / is_match.sum())


def lean_ranks(distances: NDArray[np.float32], identities: NDArray[np.int64], gallery: NDArray[np.int64]) -> None:
    """Compute the same with NumPy for each probe."""
    firsts, precisions, penalties = [], [], []
    for row, identity in zip(distances, identities, strict=True):
        ranks = np.flatnonzero(gallery[np.argsort(row)] == identity) + 1
        if len(ranks):
            firsts.append(ranks[0])
            precisions.append((np.arange(1, len(ranks) + 1) / ranks).mean())
            penalties.append(len(ranks) / ranks[-1])


def largest(test_set: EvaluationSet, protocol: str) -> Members:
    """Return probes and gallery of the largest group of the first table."""
    groups = [test_set.members(group) for group in find_dataset(protocol).protocol.tables[0].groups]
    return max(groups, key=lambda members: len(members.probes) * len(members.gallery))


def evaluate_protocol(protocol: str) -> dict[str, float]:
    """Measure a protocol."""
    dataset = find_dataset(protocol)
    keys = sorted(keys_of(protocol))
    embeddings, partition = random_embeddings(keys), dataset.partition()
    test_set = EvaluationSet(keys, camera_prefix=dataset.protocol.camera_prefix, probes=partition.probes)
    members = largest(test_set, protocol)
    score(random_embeddings(keys[:40]), custom_protocol(["*"], {"all": ["*"]}))  # compiles
    whole = seconds(lambda: score(embeddings, dataset.protocol, partition, bootstrap_samples=1000))
    # Before the loops below, which use more memory.
    peak = peak_gb()
    # Enough for large products.
    probes = members.probes[:2048]
    rows = distance_rows(embeddings.values, embeddings.values)
    for _ in rows(probes, members.gallery):  # allocates the memory
        pass
    rate, spent = matrix_rate(), seconds(lambda: [start for start, _ in rows(probes, members.gallery)])
    operations = 2 * len(probes) * len(members.gallery) * STRIPS * WIDTH
    rate = (rate + matrix_rate()) / 2
    ranked = ranking_us(rows, probes[:200], members.gallery, test_set.identities)
    return {
        "sequences": len(keys),
        "seconds": whole,
        "peak_gb": peak,
        "share": operations / spent / rate,
        **ranked,
    }


def ranking_us(
    rows: Callable[..., Iterator[tuple[int, NDArray[np.float32]]]],
    probes: NDArray[np.int64],
    members: NDArray[np.int64],
    identities: NDArray[np.int64],
) -> dict[str, float]:
    """Return microseconds per probe of each implementation."""
    distances = np.concatenate([block.copy() for _, block in rows(probes, members)])
    labels, gallery = identities[probes], Gallery(identities[members])
    plain = seconds(lambda: plain_ranks(distances, labels, gallery.identities))
    lean = seconds(lambda: lean_ranks(distances, labels, gallery.identities))
    fast = min(seconds(lambda: rank_matches(distances, labels, gallery)) for _ in range(3))
    return {
        "loop_us": 1e6 * plain / len(probes),
        "lean_us": 1e6 * lean / len(probes),
        "skelgait_us": 1e6 * fast / len(probes),
    }


def ranking() -> dict[str, float]:
    """Measure the ranks of 3000 probes among 5000 gallery entries."""
    rng = np.random.default_rng(0)
    distances, labels = rng.random((3000, 5000), np.float32), rng.integers(0, 500, 3000)
    gallery = Gallery(rng.integers(0, 500, 5000))
    rank_matches(distances[:2], labels[:2], gallery)  # compiles
    loop = seconds(lambda: plain_ranks(distances, labels, gallery.identities))
    lean = seconds(lambda: lean_ranks(distances, labels, gallery.identities))
    fast = min(seconds(lambda: rank_matches(distances, labels, gallery)) for _ in range(5))
    return {"loop_s": loop, "lean_s": lean, "skelgait_s": fast, "ratio": loop / fast, "lean_ratio": lean / fast}


def distances() -> dict[str, float]:
    """Measure 3000 probes against 5000 gallery entries: in tiles, and with a whole matrix per strip."""
    values = torch.randn(8000, STRIPS, WIDTH).transpose(1, 2)
    rows, (left, right) = distance_rows(values, values), np.split(np.arange(8000), [3000])
    for _ in rows(left[:8], right[:8]):  # compiles
        pass
    probes, gallery = values[:3000], values[3000:]

    def plain() -> torch.Tensor:
        total = torch.zeros(3000, 5000)
        for strip in range(STRIPS):
            a, b = probes[..., strip], gallery[..., strip]
            squares = a.square().sum(1, keepdim=True) + b.square().sum(1) - 2 * torch.mm(a, b.t())
            total += torch.sqrt(torch.relu(squares))
        return total / STRIPS

    operations = 2 * 3000 * 5000 * STRIPS * WIDTH
    rates = {"mm": 0.0, "skelgait": 0.0, "plain": 0.0}
    for _ in range(5):
        rates["mm"] = max(rates["mm"], matrix_rate())
        rates["skelgait"] = max(rates["skelgait"], operations / seconds(lambda: [None for _ in rows(left, right)]))
        rates["plain"] = max(rates["plain"], operations / seconds(plain))
    return {
        "mm_gflops": rates["mm"] / 1e9,
        "share": rates["skelgait"] / rates["mm"],
        "plain": rates["plain"] / rates["mm"],
    }


def make_million(path: Path) -> dict[str, float]:
    """Write a gallery of a million sequences, five per person."""
    keys = [Key(f"{i // 5:06d}", "n", str(i % 5)) for i in range(MILLION)]
    facts = EmbeddingFacts("skeletongait", 0, "none", "0" * 64, 1, "none", 720, "float32")
    generator = torch.Generator().manual_seed(1)

    def parts() -> Iterator[EmbeddingChunk]:
        for start in range(0, MILLION, 10000):
            values = torch.randn(10000, STRIPS, WIDTH, generator=generator).numpy()
            # The second embedding is not used, so it is as small as possible.
            yield EmbeddingChunk(np.arange(start, start + 10000), values, np.zeros((10000, 1, 1), np.float32))

    return {"write_s": seconds(lambda: write_embeddings(path, keys, [30] * MILLION, parts(), facts))}


def million(path: Path) -> dict[str, float]:
    """Measure probes against a million: the ten nearest people, and ranks and average precision."""
    file = open_embeddings(path)
    gallery = file.select(file.keys)
    probes = random_embeddings([Key(f"{i:06d}", "p", "0") for i in range(PROBES)])
    identify(random_embeddings(probes.keys[:5]), file.select(file.keys[:50]))  # compiles
    score(random_embeddings(file.keys[:40]), custom_protocol(["*"], {"all": ["*"]}))
    rate, spent = matrix_rate(), seconds(lambda: identify(probes, gallery, top=10))
    share = 2 * PROBES * MILLION * STRIPS * WIDTH / spent / ((rate + matrix_rate()) / 2)
    found = {"identify_s": spent, "identify_share": share, "identify_peak_gb": peak_gb()}
    # The first sequences of some people are probes; their other sequences are in the gallery.
    named = [key._replace(condition="np"[key.view == "0" and int(key.identity) < PROBES]) for key in file.keys]
    protocol = Protocol("million", (Table("all", "pooled", (Group("all", ("p",), ("n",)),), ("rank_1", "mean_ap")),))
    spent = seconds(lambda: score(Embeddings(named, file.values), protocol))
    share = 2 * PROBES * (MILLION - PROBES) * STRIPS * WIDTH / spent / ((rate + matrix_rate()) / 2)
    return {**found, "evaluate_s": spent, "evaluate_share": share, "peak_gb": peak_gb()}


def in_a_process(work: Callable[..., dict[str, float]], *args: object) -> dict[str, float]:
    """Run `work` in a new process, to measure its peak memory; like commands, it keeps freed memory."""
    with get_context("spawn").Pool(1, initializer=keep_freed_memory) as pool:
        return pool.apply(work, args)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocols", nargs="*", default=["OUMVLP", "GREW", "Gait3D", "CCPG", "SUSTech1K"])
    parser.add_argument(
        "--million", type=Path, help="folder with 17 GB of free space; default: do not measure a million"
    )
    arguments = parser.parse_args()
    card: dict[str, dict[str, float]] = {}
    for name, work in (("ranking", ranking), ("distances", distances)):
        card[name] = in_a_process(work)
        print(name, *(f"{key} {value:.3g}" for key, value in card[name].items()), flush=True)
    print("protocol   sequences  seconds  peak GB  share of mm  loop us  lean loop us  skelgait us")
    for protocol in arguments.protocols:
        row = card[protocol] = in_a_process(evaluate_protocol, protocol)
        print(
            f"{protocol:10} {row['sequences']:9.0f} {row['seconds']:8.1f} {row['peak_gb']:8.2f} {row['share']:12.2f} "
            f"{row['loop_us']:8.0f} {row['lean_us']:13.0f} {row['skelgait_us']:12.1f}",
            flush=True,
        )
    if arguments.million:
        with tempfile.TemporaryDirectory(dir=arguments.million) as folder:
            path = Path(folder) / "million.h5"
            card["million"] = in_a_process(make_million, path) | in_a_process(million, path)
        print("million", *(f"{key} {value:.3g}" for key, value in card["million"].items()))
    print(json.dumps(card))


if __name__ == "__main__":
    main()
