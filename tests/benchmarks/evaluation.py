"""Evaluation at the real size of every protocol, on random embeddings of 256 x 16; and a gallery of a million.

Every protocol is carried out whole (distances, ranks, metrics, 95 % intervals) in a process of its own, whose peak
memory counts everything, the embeddings too. Beside it, in the same process: the rate at which distances alone come, as
a share of torch.mm in float32 (2048 x 2048 by 2048 x 2048); and the ranks of some probes in microseconds a probe: by a
loop over probes as re-identification code has it, by a lean one, and by ours.

The million lies in a file of 16 GB that is mapped into memory a part at a time; it is made in a temporary folder. The
system has to read it from the disk where its cache is too small for it.

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

from skelgait.datasets import Group, Protocol, Table, custom_protocol, find
from skelgait.embeddings import EmbeddingFacts, Embeddings, open_embeddings, write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.evaluation import score
from skelgait.evaluation.identification import identify
from skelgait.evaluation.test_sequences import Members, TestSet
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
    """Operations a second of torch.mm, the best of some."""
    a, b, out = (torch.randn(MATRIX, MATRIX) for _ in range(3))
    return 2 * MATRIX**3 / min(seconds(lambda: torch.mm(a, b, out=out)) for _ in range(8))


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def keys_of(protocol: str) -> Iterator[Key]:
    """As many sequences as the test set has, about, under its names."""
    if protocol == "OUMVLP":
        views = [f"{angle:03d}" for angle in (*range(0, 91, 15), *range(180, 271, 15))]
        yield from (Key(f"{i:05d}", c, v) for i in range(5154) for c in ("00", "01") for v in views)
    elif protocol == "GREW":
        yield from (Key(f"{i:05d}", c, "v") for i in range(6000) for c in ("01", "02"))
        yield from (Key("probe", "03", f"{i:05d}") for i in range(12000))
    elif protocol == "Gait3D":
        probes = find("Gait3D").partition().probes
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
    """As `embed` gives them: the numbers of a strip lie beside each other."""
    generator = torch.Generator().manual_seed(0)
    return Embeddings(keys, torch.randn(len(keys), STRIPS, WIDTH, generator=generator).transpose(1, 2))


def plain_ranks(distances: NDArray[np.float32], identities: NDArray[np.int64], gallery: NDArray[np.int64]) -> None:
    """CMC, average precision and inverse negative penalty by a loop over probes, as re-identification code has it."""
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
        each = np.array([n / (place + 1.0) for place, n in enumerate(found)]) * is_match
        precisions.append(each.sum() / is_match.sum())


def lean_ranks(distances: NDArray[np.float32], identities: NDArray[np.int64], gallery: NDArray[np.int64]) -> None:
    """The same, with NumPy for all that happens to a probe."""
    firsts, precisions, penalties = [], [], []
    for row, identity in zip(distances, identities, strict=True):
        places = np.flatnonzero(gallery[np.argsort(row)] == identity) + 1
        if len(places):
            firsts.append(places[0])
            precisions.append((np.arange(1, len(places) + 1) / places).mean())
            penalties.append(len(places) / places[-1])


def largest(test_set: TestSet, protocol: str) -> Members:
    """The probes and the gallery of the largest group of the first table."""
    groups = [test_set.members(group) for group in find(protocol).protocol.tables[0].groups]
    return max(groups, key=lambda members: len(members.probes) * len(members.gallery))


def carried_out(protocol: str) -> dict[str, float]:
    """The numbers of a protocol."""
    dataset = find(protocol)
    keys = sorted(keys_of(protocol))
    embeddings, partition = random_embeddings(keys), dataset.partition()
    test_set = TestSet(keys, camera_of_view=dataset.protocol.camera_of_view, probes=partition.probes)
    members = largest(test_set, protocol)
    score(random_embeddings(keys[:40]), custom_protocol(["*"], {"all": ["*"]}))  # compiles
    whole = seconds(lambda: score(embeddings, dataset.protocol, partition, bootstrap_samples=1000))
    # Of the evaluation alone: the loops below take memory of their own.
    peak = peak_gb()
    # So many at least that a product is large, and all that a block takes.
    some = members.probes[:2048]
    rows = distance_rows(embeddings.values, embeddings.values)
    for _ in rows(some, members.gallery):  # the memory is there afterwards
        pass
    rate, spent = matrix_rate(), seconds(lambda: [start for start, _ in rows(some, members.gallery)])
    operations = 2 * len(some) * len(members.gallery) * STRIPS * WIDTH
    rate = (rate + matrix_rate()) / 2
    ranked = ranking_us(rows, some[:200], members.gallery, test_set.identities)
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
    """Microseconds a probe of a plain loop, and of ours."""
    distances = np.concatenate([block.copy() for _, block in rows(probes, members)])
    own, gallery = identities[probes], Gallery(identities[members])
    plain = seconds(lambda: plain_ranks(distances, own, gallery.identities))
    lean = seconds(lambda: lean_ranks(distances, own, gallery.identities))
    ours = min(seconds(lambda: rank_matches(distances, own, gallery)) for _ in range(3))
    return {
        "loop_us": 1e6 * plain / len(probes),
        "lean_us": 1e6 * lean / len(probes),
        "ours_us": 1e6 * ours / len(probes),
    }


def ranking() -> dict[str, float]:
    """Ranks of 3000 probes among 5000 gallery entries."""
    rng = np.random.default_rng(0)
    distances, own = rng.random((3000, 5000), np.float32), rng.integers(0, 500, 3000)
    gallery = Gallery(rng.integers(0, 500, 5000))
    rank_matches(distances[:2], own[:2], gallery)  # compiles
    loop = seconds(lambda: plain_ranks(distances, own, gallery.identities))
    lean = seconds(lambda: lean_ranks(distances, own, gallery.identities))
    ours = min(seconds(lambda: rank_matches(distances, own, gallery)) for _ in range(5))
    return {"loop_s": loop, "lean_s": lean, "ours_s": ours, "ratio": loop / ours, "lean_ratio": lean / ours}


def distances() -> dict[str, float]:
    """3000 probes against 5000 gallery entries: ours, and as a whole matrix a strip, sixteen times."""
    values = torch.randn(8000, STRIPS, WIDTH).transpose(1, 2)
    rows, (these, those) = distance_rows(values, values), np.split(np.arange(8000), [3000])
    for _ in rows(these[:8], those[:8]):  # compiles
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
    rates = {"mm": 0.0, "ours": 0.0, "plain": 0.0}
    for _ in range(5):
        rates["mm"] = max(rates["mm"], matrix_rate())
        rates["ours"] = max(rates["ours"], operations / seconds(lambda: [None for _ in rows(these, those)]))
        rates["plain"] = max(rates["plain"], operations / seconds(plain))
    return {"mm_gflops": rates["mm"] / 1e9, "share": rates["ours"] / rates["mm"], "plain": rates["plain"] / rates["mm"]}


def make_million(path: Path) -> dict[str, float]:
    """Write a gallery of a million sequences, five a person."""
    keys = [Key(f"{i // 5:06d}", "n", str(i % 5)) for i in range(MILLION)]
    facts = EmbeddingFacts("skeletongait", 0, "none", "0" * 64, 1, "none", 720, "float32")
    generator = torch.Generator().manual_seed(1)

    def parts() -> Iterator[EmbeddingChunk]:
        for start in range(0, MILLION, 10000):
            values = torch.randn(10000, STRIPS, WIDTH, generator=generator).numpy()
            # The second embedding is not looked at, and as small as it can be.
            yield EmbeddingChunk(np.arange(start, start + 10000), values, np.zeros((10000, 1, 1), np.float32))

    return {"write_s": seconds(lambda: write_embeddings(path, keys, [30] * MILLION, parts(), facts))}


def million(path: Path) -> dict[str, float]:
    """Probes against a million: the nearest ten people of each; and, in blocks of whole rows, ranks and precision."""
    file = open_embeddings(path)
    gallery = file.select(file.keys)
    probes = random_embeddings([Key(f"{i:06d}", "p", "0") for i in range(PROBES)])
    identify(random_embeddings(probes.keys[:5]), file.select(file.keys[:50]))  # compiles
    score(random_embeddings(file.keys[:40]), custom_protocol(["*"], {"all": ["*"]}))
    rate, spent = matrix_rate(), seconds(lambda: identify(probes, gallery, top=10))
    share = 2 * PROBES * MILLION * STRIPS * WIDTH / spent / ((rate + matrix_rate()) / 2)
    found = {"identify_s": spent, "identify_share": share, "identify_peak_gb": peak_gb()}
    # The first sequences of some people are probes, and find their other ones among all others.
    named = [key._replace(condition="np"[key.view == "0" and int(key.identity) < PROBES]) for key in file.keys]
    protocol = Protocol("million", (Table("all", "pooled", (Group("all", ("p",), ("n",)),), ("rank_1", "mean_ap")),))
    spent = seconds(lambda: score(Embeddings(named, file.values), protocol))
    share = 2 * PROBES * (MILLION - PROBES) * STRIPS * WIDTH / spent / ((rate + matrix_rate()) / 2)
    return {**found, "evaluate_s": spent, "evaluate_share": share, "peak_gb": peak_gb()}


def in_a_process(work: Callable[..., dict[str, float]], *args: object) -> dict[str, float]:
    """Do it in a process of its own, so that its peak memory is its own; as commands do, it keeps what it frees."""
    with get_context("spawn").Pool(1, initializer=keep_freed_memory) as pool:
        return pool.apply(work, args)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("protocols", nargs="*", default=["OUMVLP", "GREW", "Gait3D", "CCPG", "SUSTech1K"])
    parser.add_argument("--million", type=Path, help="folder with room for 17 GB; left out where not given")
    chosen = parser.parse_args()
    card: dict[str, dict[str, float]] = {}
    for name, work in (("ranking", ranking), ("distances", distances)):
        card[name] = in_a_process(work)
        print(name, *(f"{key} {value:.3g}" for key, value in card[name].items()), flush=True)
    print("protocol   sequences  seconds  peak GB  share of mm  loop us  lean loop us  ours us")
    for protocol in chosen.protocols:
        of = card[protocol] = in_a_process(carried_out, protocol)
        print(
            f"{protocol:10} {of['sequences']:9.0f} {of['seconds']:8.1f} {of['peak_gb']:8.2f} {of['share']:12.2f} "
            f"{of['loop_us']:8.0f} {of['lean_us']:13.0f} {of['ours_us']:8.1f}",
            flush=True,
        )
    if chosen.million:
        with tempfile.TemporaryDirectory(dir=chosen.million) as folder:
            path = Path(folder) / "million.h5"
            card["million"] = in_a_process(make_million, path) | in_a_process(million, path)
        print("million", *(f"{key} {value:.3g}" for key, value in card["million"].items()))
    print(json.dumps(card))


if __name__ == "__main__":
    main()
