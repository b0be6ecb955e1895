"""Tables of custom protocols against plain loops, and errors for data that does not fit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait.datasets import Partition, custom_protocol, find_dataset
from skelgait.errors import DataError, ProtocolError
from skelgait.evaluation import Embeddings, distance_matrix, evaluate, score, write_submission
from skelgait.storage import Key, PickleTreeWriter, open_source


def embeddings_for(keys: list[Key], seed: int = 0) -> Embeddings:
    generator = torch.Generator().manual_seed(seed)
    return Embeddings(keys, torch.randn(len(keys), 5, 3, generator=generator))


def walks(identities: str, conditions: list[str], views: list[str]) -> list[Key]:
    return [Key(i, c, v) for i in identities for c in conditions for v in views]


def test_custom_protocol_equals_plain_loop() -> None:
    keys = walks("abcdef", ["nm-01", "nm-02", "bg-01"], ["000", "090", "180"])
    embeddings = embeddings_for(keys)
    report = score(embeddings, custom_protocol(["nm-01"], {"Bag": ["bg-*"]}))
    distances = distance_matrix(embeddings.values, embeddings.values)
    right: dict[tuple[str, str], list[bool]] = {}
    overall = []
    gallery = [j for j, key in enumerate(keys) if key.condition == "nm-01"]
    for i, probe in enumerate(keys):
        if probe.condition != "bg-01":
            continue
        overall.append(keys[min(gallery, key=lambda j: distances[i, j])].identity == probe.identity)
        for view in ("000", "090", "180"):
            same_view = [j for j in gallery if keys[j].view == view]
            nearest = keys[min(same_view, key=lambda j: distances[i, j])]
            right.setdefault((probe.view, view), []).append(nearest.identity == probe.identity)
    cells = {pair: round(float(np.mean(values)), 4) for pair, values in right.items()}
    across = np.mean([value for (a, b), value in cells.items() if a != b])
    within = np.mean([value for (a, b), value in cells.items() if a == b])
    found = [table.groups[0].metrics["rank_1"] for table in report.tables]
    assert found == pytest.approx([across, within, np.mean(overall)])


def test_no_probe_is_compared_with_itself() -> None:
    keys = walks("abc", ["U1", "U2"], ["v", "w"])
    embeddings = embeddings_for(keys)
    distances = distance_matrix(embeddings.values, embeddings.values)
    np.fill_diagonal(distances, np.inf)
    expected = np.mean([keys[j].identity == key.identity for key, j in zip(keys, distances.argmin(1), strict=True)])
    overall = score(embeddings, custom_protocol(["U*"], {"U": ["U*"]})).tables[2].groups[0]
    assert overall.metrics["rank_1"] == pytest.approx(expected)
    assert overall.n_unmatched == 0
    within = score(embeddings_for(keys), custom_protocol(["U1"], {"U": ["U1"]})).tables[1].groups[0]
    assert (within.metrics["rank_1"], within.n_unmatched) == (0, 6)


def test_single_view_has_no_metric_across_views() -> None:
    report = score(embeddings_for(walks("abc", ["n", "b"], ["v"])), custom_protocol(["n"], {"B": ["b"]}))
    metrics = [table.groups[0].metrics["rank_1"] for table in report.tables]
    assert metrics[0] is None
    assert metrics[1] == pytest.approx(metrics[2], abs=1e-4)


def test_probes_without_a_match_are_counted() -> None:
    keys = [*walks("ab", ["n"], ["v", "w"]), *walks("abc", ["b"], ["v", "w"])]
    for table in score(embeddings_for(keys), custom_protocol(["n"], {"B": ["b"]})).tables:
        assert table.groups[0].n_unmatched == 2


@pytest.mark.parametrize("gallery", [["x*"], ["n"]])
def test_nothing_to_compare_is_an_error_with_counts(gallery: list[str]) -> None:
    keys = walks("ab", ["n"], ["v", "w"])
    with pytest.raises(ProtocolError, match=r"B 0 probes and \d gallery entries, in 2 views, with conditions n"):
        score(embeddings_for(keys), custom_protocol(gallery, {"B": ["y*"]}))


@pytest.mark.parametrize(
    ("test", "probes", "message"),
    [
        ("", set(), "--partition: found no test identity, expected identities under TEST_SET; list them there"),
        ("x", set(), "found identities a, b, expected test identities x;"),
        ("ab", set(), "--partition: found no probe under PROBE_SET, expected some of a-n-v, a-n-w, b-n-v, ...; list"),
        ("ab", {("a", "n", "x")}, "--partition: found no sequence of the probes under PROBE_SET, a-n-x, ..., expected"),
    ],
)
def test_partition_that_does_not_fit_is_an_error(tmp_path: Path, test: str, probes: object, message: str) -> None:
    keys = walks("ab", ["n"], ["v", "w"])
    for key in keys:
        PickleTreeWriter(tmp_path).write(key, np.zeros((2, 2, 64, 64), np.uint8))
    protocol, source = find_dataset("Gait3D").protocol, open_source(tmp_path, "map")
    partition = Partition(frozenset(), frozenset(test), frozenset(probes))  # type: ignore[call-overload]
    with pytest.raises((ProtocolError, DataError), match=re.escape(message)):
        evaluate.evaluation_keys(source, protocol, partition)
    if "PROBE_SET" in message:
        with pytest.raises(ProtocolError, match=re.escape(message)):
            score(embeddings_for(keys), protocol, partition)


def test_small_gallery_gives_short_ranking(tmp_path: object) -> None:
    keys = [Key("00001", "01", "a"), Key("00002", "02", "b"), Key("probe", "03", "abc123")]
    submission = find_dataset("GREW").protocol.submission
    assert submission is not None
    path = tmp_path / "s.csv"  # type: ignore[operator]
    write_submission(path, embeddings_for(keys), submission)
    header, line = path.read_text().splitlines()
    assert header == "videoId,rank1,rank2"
    assert sorted(line.split(",")[1:]) == ["1", "2"]
    with pytest.raises(ProtocolError, match="found 0 probes and 2 gallery entries"):
        write_submission(path, embeddings_for(keys[:2]), submission)
