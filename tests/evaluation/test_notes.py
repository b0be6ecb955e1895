"""Notes and errors for data that do not fit a protocol."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from skelgait.datasets import Group, Protocol, Submission, Table, custom_protocol
from skelgait.errors import CheckpointError, DataError, ProtocolError
from skelgait.evaluation import Embeddings, score, write_submission
from skelgait.storage import Key

BAGS = Group("Bag", ("b*",), ("n*",))
COATS = Group("Coat", ("c*",), ("n*",))


def walks(identities: str, conditions: str, views: str) -> list[Key]:
    """All walks of these people; every letter is one, in these conditions and views."""
    return [Key(i, c, v) for i in identities for c in conditions for v in views]


def embeddings_for(keys: list[Key]) -> Embeddings:
    return Embeddings(keys, torch.randn(len(keys), 4, 2, generator=torch.Generator().manual_seed(0)))


def protocol_of(*groups: Group, kind: Any = "pooled", metrics: Any = ("rank_1",), **rules: Any) -> Protocol:
    return Protocol("mine", (Table("T", kind, groups, metrics, **{"identical_views": True, **rules}),))


def notes(keys: list[Key], protocol: Protocol) -> list[str]:
    return list(score(embeddings_for(keys), protocol).notes)


@pytest.mark.parametrize("kind", ["pooled", "cross_view_gallery", "view_pairs"])
def test_fitting_data_has_no_notes(kind: Any) -> None:
    assert notes(walks("abc", "nb", "vw"), protocol_of(BAGS, kind=kind)) == []
    assert notes(walks("abc", "nb", "vw"), protocol_of(BAGS, kind="verification", metrics=("eer",))) == []


@pytest.mark.parametrize("kind", ["pooled", "cross_view_gallery", "view_pairs", "verification"])
def test_missing_group_is_a_note(kind: Any) -> None:
    metrics = ("eer",) if kind == "verification" else ("rank_1",)
    keys = walks("abc", "nb", "vw")
    report = score(embeddings_for(keys), protocol_of(COATS, BAGS, kind=kind, metrics=metrics))
    assert list(report.notes) == ["no sequence is a probe of Coat (Coat: c* among n*)"]
    report = score(embeddings_for(keys), protocol_of(Group("Coat", ("b",), ("c*",)), BAGS, kind=kind, metrics=metrics))
    assert list(report.notes) == ["no sequence is in the gallery of Coat (Coat: b among c*)"]
    missing, present = report.tables[0].groups
    assert missing.metrics[metrics[0]] is None
    assert present.metrics[metrics[0]] is not None


@pytest.mark.parametrize("kind", ["pooled", "cross_view_gallery", "view_pairs", "verification"])
@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ("n", "Bag 0 probes and 3 gallery entries, in 1 views, with conditions n (no sequence is a probe of Bag"),
        ("b", "Bag 3 probes and 0 gallery entries, in 1 views, with conditions b (no sequence is in the gallery of"),
        ("x", "Bag 0 probes and 0 gallery entries, in 1 views, with conditions x (no sequence is a probe of Bag"),
    ],
)
def test_no_metric_at_all_is_an_error(kind: Any, conditions: str, found: str) -> None:
    metrics = ("eer",) if kind == "verification" else ("rank_1",)
    expected = "expected probes and a gallery with the same people (Bag: b* among n*)"
    with pytest.raises(ProtocolError, match=re.escape(f"protocol mine: found {found}")) as error:
        score(embeddings_for(walks("abc", conditions, "v")), protocol_of(BAGS, kind=kind, metrics=metrics))
    assert expected in str(error.value)


def test_no_sequence_at_all_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="found Bag 0 probes and 0 gallery entries, in 0 views"):
        score(Embeddings([], torch.zeros(0, 4, 2)), protocol_of(BAGS))


def test_single_view_has_no_metric_across_views() -> None:
    keys = walks("abc", "nb", "v")
    across = (
        "Across views: probe and gallery of different views: nothing to compare for B, as all sequences have"
        " the view v, and identical views are excluded"
    )
    assert notes(keys, custom_protocol(["n"], {"B": ["b"]})) == [across]
    with pytest.raises(ProtocolError, match="T: nothing to compare for Bag, as all sequences have the view"):
        score(embeddings_for(keys), protocol_of(BAGS, kind="view_pairs", identical_views=False))


def test_no_compared_view_pair_is_an_error() -> None:
    keys = [*walks("abc", "n", "v"), *walks("abc", "b", "w")]
    with pytest.raises(ProtocolError, match="as no compared view pair has both a probe and a gallery entry"):
        score(embeddings_for(keys), protocol_of(BAGS, kind="view_pairs", identical_views="only"))


def test_gallery_smaller_than_rank_is_a_note() -> None:
    metrics = ("rank_1", "rank_5", "rank_10")
    sentence = "T: rank-5, rank-10 of Bag is not meaningful: the gallery has only 3 entries"
    assert notes(walks("abc", "nb", "v"), protocol_of(BAGS, metrics=metrics)) == [sentence]
    assert notes(walks("abcde", "nb", "vw"), protocol_of(BAGS, metrics=metrics)) == []


@pytest.mark.parametrize("kind", ["pooled", "cross_view_gallery", "view_pairs"])
@pytest.mark.parametrize("unmatched_are_wrong", [True, False])
def test_no_probe_with_a_match_is_an_error_or_a_note(kind: Any, unmatched_are_wrong: bool) -> None:
    keys = [*walks("ab", "n", "vw"), *walks("cd", "b", "vw")]
    rules = {"kind": kind, "unmatched_are_wrong": unmatched_are_wrong}
    message = "no probe with a true match: Bag 4 probes and 4 gallery entries (4 not enrolled)"
    if not unmatched_are_wrong:  # and so there is no metric either
        message = "T: nothing to compare for Bag, as no probe has a true match (4 not enrolled)"
    with pytest.raises(ProtocolError, match=re.escape(message)):
        score(embeddings_for(keys), protocol_of(BAGS, **rules))
    # One group of two is a note.
    sentences = notes([*keys, *walks("ab", "c", "vw")], protocol_of(BAGS, COATS, **rules))
    assert "T: no probe of Bag has a true match (4 not enrolled)" in sentences
    assert not any("Coat" in note for note in sentences)


def test_matches_excluded_by_a_rule_are_an_error() -> None:
    keys = walks("ab", "nb", "v")
    with pytest.raises(ProtocolError, match=r"no probe with a true match: Bag .* \(2 enrolled, but without a match in"):
        score(embeddings_for(keys), protocol_of(BAGS, identical_views=False))


def test_probe_may_have_a_match_in_one_of_several_galleries() -> None:
    # Each is seen in two views of three, so that everybody is missing in some gallery, and is found in another.
    keys = [Key(i, c, v) for i, views in (("a", "vw"), ("b", "wx"), ("c", "xv")) for c in "nb" for v in views]
    keys += walks("d", "c", "v")
    values = torch.eye(4)[["abcd".index(key.identity) for key in keys]][:, :, None]
    report = score(Embeddings(keys, values), protocol_of(BAGS, COATS, kind="view_pairs"))
    bags = report.tables[0].groups[0]
    assert (bags.n_probes, bags.n_unmatched) == (6, 6)
    assert bags.metrics["rank_1"] == pytest.approx(2 / 3)
    assert list(report.notes) == ["T: no probe of Coat has a true match (1 not enrolled)"]


def test_no_match_is_an_error_despite_a_group_without_gallery() -> None:
    keys = [*walks("ab", "n", "v"), *walks("cd", "b", "v")]
    with pytest.raises(ProtocolError, match=r"found no probe with a true match: Bag .* \(2 not enrolled\), expected"):
        score(embeddings_for(keys), protocol_of(BAGS, Group("Gone", ("b",), ("x",))))


def test_verification_needs_genuine_and_impostor_pairs() -> None:
    of_one = protocol_of(BAGS, kind="verification", metrics=("eer", "tar_at_far_0.1"))
    with pytest.raises(ProtocolError, match="with 4 pairs of one person and 0 of two people"):
        score(embeddings_for(walks("a", "nb", "vw")), of_one)
    with pytest.raises(ProtocolError, match="with 0 pairs of one person and 8 of two people"):
        score(embeddings_for([*walks("a", "b", "vw"), *walks("cd", "n", "vw")]), of_one)


def test_too_few_impostors_is_a_note() -> None:
    metrics = ("eer", "tar_at_far_0.1", "tar_at_far_0.01")
    protocol = protocol_of(BAGS, kind="verification", metrics=metrics)
    sentence = "T: 6 pairs of two people of Bag are too few for a false accept rate of {}"
    assert notes(walks("abc", "nb", "v"), protocol) == [sentence.format("0.1"), sentence.format("0.01")]
    # Ten people have 90 pairs of two; eleven 110, of which one is below 0.01.
    assert len(notes(walks("abcdefghij", "nb", "v"), protocol)) == 1
    assert notes(walks("abcdefghijk", "nb", "v"), protocol) == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", ["pooled", "verification"])
def test_embedding_that_is_not_finite_is_an_error(bad: float, kind: Any) -> None:
    embeddings = embeddings_for(walks("ab", "nb", "vw"))
    embeddings.values[3, 1, 0] = bad  # type: ignore[index]
    embeddings.values[6, 0, 0] = bad  # type: ignore[index]
    message = f"the embeddings: found NaN or infinity in 2 embeddings, first in {embeddings.keys[3]}, expected"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        score(embeddings, protocol_of(BAGS, kind=kind, metrics=("eer",) if kind == "verification" else ("rank_1",)))


def test_submission_of_nan_is_not_written(tmp_path: Path) -> None:
    embeddings = embeddings_for([Key("1", "n", "v"), Key("2", "n", "v"), Key("x", "b", "v")])
    embeddings.values[2] = float("nan")  # type: ignore[index]
    with pytest.raises(DataError, match="the embeddings: found an embedding of norm nan"):
        write_submission(tmp_path / "s.csv", embeddings, Submission(("b",), ("n",)))
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("identity", ["a", "1b", "-1", "²", ""])
def test_submission_with_non_numeric_identity_is_not_written(tmp_path: Path, identity: str) -> None:
    embeddings = embeddings_for([Key(identity, "n", "v"), Key("2", "n", "v"), Key("x", "b", "v")])
    with pytest.raises(ProtocolError, match=f"--submission: found the gallery identity {identity}, expected a number"):
        write_submission(tmp_path / "s.csv", embeddings, Submission(("b",), ("n",)))
    assert not (tmp_path / "s.csv").exists()


def test_one_view_per_sequence_is_an_error() -> None:
    keys = [Key(str(i % 40), c, f"v{i}") for i in range(400) for c in ("n", "b")]
    embeddings = Embeddings(keys, torch.randn(len(keys), 5, 3))
    with pytest.raises(ProtocolError, match=r"found 400 views, v0, v1, v10, ..., and a table by view"):
        score(embeddings, custom_protocol(["n"], {"B": ["b"]}))
