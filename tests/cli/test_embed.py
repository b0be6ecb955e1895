"""`skelgait embed`, and `skelgait evaluate` on embedding files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from skelgait.embeddings import open_embeddings
from skelgait.storage import open_source
from tests.cli.embedded import CPU, GROUPS, call, processes


def test_embedding_file_records_its_origin(embedded: Path) -> None:
    flags = ("--checkpoint", "c.pt", "--identities", "all", "--out", "new/e.h5", "--max-frames", 3, *CPU)
    code, out, err = call("embed", *flags)
    assert code == 0
    assert err == "Warning: 16 of 16 sequences were longer than embed.max_frames and were cut\n"
    file = open_embeddings(embedded / "new" / "e.h5")
    assert file.keys == open_source(embedded / "maps", "map").keys
    assert file.frames.tolist() == [open_source(embedded / "maps", "map").length(key) for key in file.keys]
    facts = file.facts
    assert facts.checkpoint_sha256 == hashlib.sha256((embedded / "c.pt").read_bytes()).hexdigest()
    assert (facts.network, facts.iteration, facts.max_frames, facts.precision) == ("skeletongait", 7, 3, "float32")
    assert (facts.checkpoint, facts.source) == (str(embedded / "c.pt"), str(embedded / "maps"))
    assert facts.settings["batch_size"] == 1
    assert (facts.drawn["sigma_px"], facts.drawn["joints"]) == (8.0, 17)
    code, out, err = call("embed", *flags, "--json")
    report = json.loads(out)
    assert report == {
        "file": "new/e.h5", "network": "skeletongait", "checkpoint": str(embedded / "c.pt"),
        "checkpoint_sha256": facts.checkpoint_sha256, "sequences": 16, "identities": 4, "truncated": 16, "hint": "",
        "missing": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "identities"),
    [
        (("--partition", "partition.json"), {"075", "076"}),
        (("--partition", "partition.json", "--identities", "train"), {"001", "002"}),
        (("--partition", "partition.json", "--identities", "all"), {"001", "002", "075", "076"}),
        (("--dataset", "CASIA-B"), {"075", "076"}),
        ((), {"001", "002", "075", "076"}),
    ],
)
def test_identities_select_the_sequences(embedded: Path, flags: tuple[str, ...], identities: set[str]) -> None:
    code, _, err = call("embed", "--checkpoint", "c.pt", "--out", "whose.h5", *CPU, *flags)
    missing = "Warning: 48 of 50 listed test people are missing on disk (077, 078, 079, ...)\n"
    assert (code, err) == (0, missing if "--dataset" in flags else "")
    assert {key.identity for key in open_embeddings(embedded / "whose.h5").keys} == identities


@pytest.mark.parametrize("network", ["c", "plus"])
def test_embedding_file_and_checkpoint_give_the_same_report(embedded: Path, network: str) -> None:
    flags = (*GROUPS, "--partition", "partition.json", *CPU, "--json")
    file = {"c": "gallery", "plus": "plus"}[network]
    for embedding in (1, 2):
        reports = []
        for what in (("--checkpoint", f"{network}.pt"), ("--embeddings", f"{file}.h5")):
            code, out, err = call("evaluate", *what, *flags, "--embedding", embedding)
            assert (code, err) == (0, "")
            reports.append(json.loads(out))
        assert [report.pop("evaluated_file") for report in reports] == [f"{network}.pt", f"{file}.h5"]
        origins = [report.pop("origin") for report in reports]
        for name in ("skelgait", "checkpoint_sha256", "data"):
            assert origins[0][name] == origins[1][name]
        assert reports[0] == reports[1]
        assert reports[0]["tables"][0]["groups"][0]["n_probes"] == 4


def test_report_is_written_to_the_given_folder(embedded: Path) -> None:
    flags = ("evaluate", "--embeddings", "gallery.h5", *GROUPS, "--partition", "partition.json", *CPU)
    code, out, err = call(*flags, "--report", "asked/here")
    assert (code, err) == (0, "")
    assert out.rstrip().endswith("asked/here")
    names = {path.name for path in (embedded / "asked" / "here").iterdir()}
    assert names >= {"report.json", "report.csv", "report.md", "ranks.h5"}
    code, out, _ = call(*flags, "--report", "asked/here", "--json")
    assert json.loads(out) == json.loads((embedded / "asked" / "here" / "report.json").read_text())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("embed", "--checkpoint", "none.pt"), "Error: none.pt: found no such file, expected a checkpoint"),
        (("embed", "--checkpoint", "c.pt", "--maps", "none"), "Error: none: found No such file or directory"),
        (("embed", "--checkpoint", "plus.pt", "--pairs", "maps"), "Error: maps: found "),
        (("embed", "--checkpoint", "c.pt", "--maps", "poses"), "expected "),
        (("embed", "--checkpoint", "c.pt", "--identities", "test"), "Error: --partition: found nothing, expected"),
        (("embed", "--checkpoint", "c.pt", "--dataset", "OUMVLP"), "check --dataset and --partition"),
        (("embed", "--checkpoint", "c.pt", "--iteration", "3"), "pass only one of --checkpoint and --iteration"),
        (("embed", "--checkpoint", "c.pt", "--out", "maps"), "Error: maps: found Is a directory"),
        (("embed",), "Error: runs/skeletongait"),
        (("evaluate", "--embeddings", "none.h5", *GROUPS), "Error: none.h5: found No such file or directory, expected"),
        (("evaluate", "--embeddings", "c.pt", *GROUPS), "Error: c.pt: found no embeddings ("),
        (
            ("evaluate", "--embeddings", "maps", *GROUPS),
            "maps: found Is a directory, expected an embedding file",
        ),
        (
            ("evaluate", "--embeddings", "e.h5", "--checkpoint", "c.pt", *GROUPS),
            "pass only one of --embeddings, --checkpoint",
        ),
    ],
)
def test_error_is_one_line(embedded: Path, args: tuple[str, ...], message: str) -> None:
    before = sorted(embedded.rglob("*"))
    partition = ("--partition", "partition.json") if args[0] == "evaluate" else ()
    code, out, err = call(*args, *partition, *CPU)
    assert (code, out) == (1, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert sorted(embedded.rglob("*")) == before


@pytest.mark.slow
def test_two_processes_write_the_same_file(embedded: Path) -> None:
    flags = ("--checkpoint", "c.pt", "--identities", "all", "--out", "two.h5", "--nproc", 2, *CPU, "--json")
    done = processes("embed", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["sequences"] == 16
    one, two = (open_embeddings(embedded / name) for name in ("gallery.h5", "two.h5"))
    np.testing.assert_allclose(one.values[:], two.values[:], rtol=1e-6, atol=1e-6)
    flags = ("--embeddings", "two.h5", *GROUPS, "--partition", "partition.json", *CPU, "--json", "--report", "two")
    done = processes("evaluate", *flags, "--nproc", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads((embedded / "two" / "report.json").read_text())


@pytest.mark.parametrize(
    ("is_installed", "threads", "channels", "is_hinted"),
    [(True, 2, 128, True), (False, 2, 128, False), (True, 1, 128, False), (True, 2, 15, False)],
)
def test_slow_embedding_of_a_small_network_in_torch_hints_at_onnxruntime(
    embedded: Path, monkeypatch: pytest.MonkeyPatch, is_installed: bool, threads: int, channels: int, is_hinted: bool
) -> None:
    monkeypatch.setattr("skelgait.pipelines.embed._SLOW_SECONDS", 0.0)
    monkeypatch.setattr("skelgait.pipelines.embed._MOST_CHANNELS", channels)
    monkeypatch.setattr("skelgait.pipelines.embed.find_spec", lambda _: object() if is_installed else None)
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    flags = ("--checkpoint", "c.pt", "--identities", "all", "--out", "hint.h5", "--set", "embed.max_frames=1", *CPU)
    code, out, err = call("embed", *flags)
    assert code == 0, err
    assert ("skelgait export c.pt --format onnx" in out) == is_hinted
