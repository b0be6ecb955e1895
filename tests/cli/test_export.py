"""`skelgait export`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.export import check
from tests.cli.test_cli import call
from tests.export.networks import write_checkpoint


def test_command_writes_onnx_and_reports_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(check, "SHAPES", ((1, 1), (2, 3)))
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    code, out, err = call("export", tmp_path / "net.pt", "--format", "onnx", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["size_bytes"] == (tmp_path / "net.onnx").stat().st_size
    assert [(row["sequences"], row["frames"]) for row in report["errors"]] == [(1, 1), (2, 3)]
    assert all(0 <= row["error"] < 1e-5 for row in report["errors"])
    code, out, _ = call("export", tmp_path / "net.pt", "--format", "onnx", "--overwrite")
    assert code == 0
    assert "error, 2 x 3 frames" in out


def test_command_says_how_to_use_the_file_in_opengait(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    out_file = tmp_path / "for-opengait.pt"
    code, out, _ = call("export", tmp_path / "net.pt", "--format", "opengait", "--out", out_file)
    assert code == 0
    assert f"evaluator_cfg.restore_hint: {out_file}" in out
    assert "model_cfg.SeparateBNNecks.class_num: 5" in out
    assert load_checkpoint(out_file).iteration == 400


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    code, _, err = call("export", tmp_path / "net.pt", "--format", "caffe")
    assert code == 1
    assert "export.format: should be" in err
