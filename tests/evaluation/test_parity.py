"""Agreement with the metrics of OpenGait: each protocol from `tests/data`, and the original files in `../shared`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from skelgait.datasets import DATASETS, find_dataset
from skelgait.evaluation import Embeddings, EvaluationReport, distance_matrix, score, write_submission
from skelgait.matching.options import MatchingOptions
from skelgait.matching.ranking import Gallery, rank_matches
from skelgait.storage import Key
from tests.paths import DATA

EVALUATION = DATA / "evaluation"
SAMPLE = json.loads((EVALUATION / "expected.json").read_text())
DISTANCES = {"euc": "euclidean", "cos": "cosine"}
CASES = [
    "CASIA-B_euc", "CCPG_cos", "CCPG_euc", "GREW_local", "Gait3D_cos", "Gait3D_euc", "OUMVLP_cos",
    "OUMVLP_cross_view_gallery", "OUMVLP_euc", "OUMVLP_gaps", "SUSTech1K_cos", "SUSTech1K_euc",
]  # fmt: skip


def embeddings_of(path: Path) -> Embeddings:
    with np.load(path) as stored:
        columns = (stored[name].tolist() for name in ("labels", "types", "views"))
        return Embeddings([Key(*row) for row in zip(*columns, strict=True)], torch.from_numpy(stored["embeddings"]))


def sample_embeddings(name: str) -> Embeddings:
    with h5py.File(EVALUATION / "embeddings.h5") as stored:
        sequences = stored[f"{name}/sequences"].asstr()[:]
        return Embeddings([Key(*row.split("/")) for row in sequences], torch.from_numpy(stored[f"{name}/values"][:]))


def evaluate_case(folder: Path, case: str) -> tuple[EvaluationReport, dict[str, object]]:
    described = json.loads((folder / f"{case}.json").read_text())
    dataset = find_dataset(described["protocol"])
    embeddings = embeddings_of(folder / f"{case}.npz")
    return score(
        embeddings, dataset.protocol, dataset.partition(), MatchingOptions(DISTANCES[described["metric"]])
    ), described


def metrics(report: EvaluationReport, table: int) -> dict[tuple[str, str], float]:
    """Percent by (group, metric) of a table."""
    groups = report.tables[table].groups
    return {(g.name, name): 100 * value for g in groups for name, value in g.metrics.items() if value is not None}


def expected_metrics(case: str, described: dict[str, object]) -> dict[int, dict[tuple[str, str], float]]:
    """Upstream's percentages by table, group and metric."""
    result: dict[str, float] = described["result"]  # type: ignore[assignment]
    log = "\n".join(described["log"])  # type: ignore[call-overload]
    if case == "OUMVLP_cross_view_gallery":
        names = {"NM-Rank@1": "rank_1", "NM-mAP": "mean_ap"}
        return {1: {("NM", name): result[f"scalar/test_accuracy/{key}"] for key, name in names.items()}}
    if case.startswith(("Gait3D", "GREW")):
        spelled = {"mAP": "mean_ap", "mINP": "mean_inp"}
        pairs = {key.rpartition("/")[2]: value for key, value in result.items()}
        group = case.split("_")[0]
        return {0: {(group, spelled.get(k, k.lower().replace("-", "_"))): v for k, v in pairs.items()}}
    if case.startswith("CCPG"):
        rows = re.findall(r"^(CL: [\d.]+,\tUP.*)$", log, re.MULTILINE)
        parsed = [{name: float(value) for name, value in re.findall(r"(\w\w): ([\d.]+)", row)} for row in rows]
        rank_1, mean_ap, mean_inp, with_identical, without_identical = parsed
        re_identification = {"rank_1": rank_1, "mean_ap": mean_ap, "mean_inp": mean_inp}
        return {
            0: {(group, name): row[group] for name, row in re_identification.items() for group in row},
            1: {(group, "rank_1"): value for group, value in without_identical.items()},
            2: {(group, "rank_1"): value for group, value in with_identical.items()},
        }
    found = re.findall(r"(\w+)@R(\d): ([\d.]+)%", log)
    return {0: {(group.replace("Umberalla", "Umbrella"), f"rank_{k}"): float(value) for group, k, value in found}}


@pytest.mark.parametrize("case", CASES)
def test_metrics_equal_opengait(parity: Path, case: str) -> None:
    report, described = evaluate_case(parity / "evaluation", case)
    for table, expected in expected_metrics(case, described).items():
        ours = metrics(report, table)
        assert expected
        for key, value in expected.items():
            assert ours[key] == pytest.approx(value, abs=0.01), (table, key)


@pytest.mark.parametrize("name", SAMPLE["cases"])
def test_sample_agrees(name: str) -> None:
    case = SAMPLE["cases"][name]
    dataset = find_dataset(case["dataset"])
    embeddings = sample_embeddings(case["embeddings"])
    report = score(embeddings, dataset.protocol, dataset.partition(), MatchingOptions(case["distance"]))
    for table, groups in case["percent"].items():
        ours = metrics(report, int(table))
        for group, expected in groups.items():
            for metric, value in expected.items():
                assert ours[group, metric] == pytest.approx(value, abs=0.01), (table, group, metric)


def test_sample_has_every_protocol() -> None:
    assert {case["dataset"] for case in SAMPLE["cases"].values()} == set(DATASETS)
    assert set(SAMPLE["cases"]) == set(CASES)


def test_submission_of_sample_is_the_same_file(tmp_path: Path) -> None:
    submission = find_dataset("GREW").protocol.submission
    assert submission is not None
    assert write_submission(tmp_path / "s.csv", sample_embeddings("GREW-submission"), submission) == 16
    assert (tmp_path / "s.csv").read_text().splitlines() == SAMPLE["GREW submission"]


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_distances_of_sample(distance: str) -> None:
    with np.load(EVALUATION / "distances.npz") as stored:
        x, y = torch.from_numpy(stored["x"]), torch.from_numpy(stored["y"])
        np.testing.assert_allclose(distance_matrix(x, y, distance), stored[distance], rtol=0, atol=1e-5)


def test_submission_is_the_same_file(parity: Path, tmp_path: Path) -> None:
    embeddings = embeddings_of(parity / "evaluation" / "GREW_submission.npz")
    submission = find_dataset("GREW").protocol.submission
    assert submission is not None
    assert write_submission(tmp_path / "s.csv", embeddings, submission) == 16
    assert (tmp_path / "s.csv").read_text() == (parity / "evaluation" / "GREW_submission.csv").read_text()


def test_distances_equal_opengait(parity: Path) -> None:
    with np.load(parity / "evaluation" / "distance.npz") as stored:
        x, y = torch.from_numpy(stored["x"]), torch.from_numpy(stored["y"])
        for short, distance in DISTANCES.items():
            np.testing.assert_allclose(distance_matrix(x, y, distance), stored[short], rtol=0, atol=1e-5)


@pytest.mark.parametrize("folder", ["parity", "anywhere"])
def test_ranking_equals_opengait(request: pytest.FixtureRequest, folder: str) -> None:
    path = EVALUATION if folder == "anywhere" else request.getfixturevalue("parity") / "evaluation"
    with np.load(path / "metrics.npz") as stored:
        identities = np.unique(np.concatenate([stored["probe"], stored["gallery"]]), return_inverse=True)[1]
        probe, gallery = identities[: len(stored["probe"])], Gallery(identities[len(stored["probe"]) :])
        ranks = rank_matches(stored["dist"].astype(np.float32), probe, gallery)
        np.testing.assert_allclose(ranks.ap[:, 0], stored["ap"], rtol=1e-6)
        np.testing.assert_allclose(ranks.inp[:, 0], stored["inp"], rtol=1e-6)
        cmc = [((ranks.first >= 1) & (ranks.first <= k)).mean() for k in range(1, 51)]
        np.testing.assert_allclose(cmc, stored["cmc"], atol=1e-6)

        def same_view(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
            return stored["probe_view"][rows] == stored["gallery_view"][columns]

        ranks = rank_matches(stored["dist"].astype(np.float32), probe, gallery, same_view)
        kept = ranks.first[ranks.first > 0]
        cmc = [(kept <= k).mean() for k in range(1, 51)]
        np.testing.assert_allclose(cmc, stored["cmc_excl_same_view"], atol=1e-6)
        assert np.nanmean(ranks.ap) == pytest.approx(float(stored["map_excl_same_view"]))
        assert np.nanmean(ranks.inp) == pytest.approx(float(stored["minp_excl_same_view"]))
