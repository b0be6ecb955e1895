"""GPU check, carried out on the CPU: each check passes with the right numbers, and fails with one wrong number."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import commands
from tests.gpu import __main__ as command
from tests.gpu.check import CannotRunError, Check, Row, Values, absolute, relative, shortfall, table
from tests.gpu.checks import all_checks
from tests.paths import ROOT

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
CHECKS = {check.name: check for check in all_checks(CPU)}
QUICK = {"euclidean distances, matrix product", "cosine distances, CPU"}
ON_CPU = set(CHECKS) - {"more processes than devices"}
NUMBERS = np.array([3.0, 2.0, 1.0])


def by_speed(names: set[str]) -> list[Any]:
    """Return names of checks as parameters; those that take more than a second are slow."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(names)]


def with_error(check: Check, expected: Values, measured: Values, share: float) -> np.ndarray[Any, Any]:
    """Return the measured numbers with one of them off by a share of the limit, or by the smallest number."""
    if check.difference is shortfall:
        return expected * (1 - share * check.limit)
    scale = np.abs(expected).max() if check.difference is relative else 1
    changed, middle = measured.astype(np.float64), measured.size // 2
    error = share * check.limit * scale or np.spacing(np.abs(expected.astype(np.float64)).max())
    changed.flat[middle] = expected.flat[middle] + error
    return changed


@pytest.mark.parametrize("name", by_speed(ON_CPU))
def test_check_passes_on_the_cpu_and_fails_with_one_wrong_number(name: str) -> None:
    check = CHECKS[name]
    try:
        expected, measured = check.expected(CPU), check.measured(CPU)
    except CannotRunError as reason:
        pytest.skip(str(reason))

    def result(numbers: Values) -> str:
        return replace(check, expected=lambda _: expected, measured=lambda _: numbers).row(CPU).result

    assert np.isfinite(measured).all()
    if check.difference is not shortfall:  # the speed of a busy machine says nothing
        assert result(measured) == "ok"
    if check.limit:
        assert result(with_error(check, expected, expected, 0.9)) == "ok"
    assert result(with_error(check, expected, measured, 1.5)) == "FAILED"


@pytest.mark.parametrize(
    ("measured", "result"),
    [
        (NUMBERS, "ok"),
        (NUMBERS + 0.5, "ok"),
        (NUMBERS + np.array([0, 0, 0.6]), "FAILED"),
        (NUMBERS * np.nan, "FAILED"),
        (NUMBERS[:2], "FAILED"),
    ],
)
def test_numbers_beyond_the_limit_not_finite_or_missing_fail(measured: Values, result: str) -> None:
    check = Check("numbers", lambda _: NUMBERS, lambda _: measured, absolute, 0.5, "px")
    row = check.row(CPU)
    assert row.result == result
    assert row.expected == "3.0000 2.0000 1.0000, off by at most 0.5 px"


def test_error_fails_and_a_reason_skips(capsys: pytest.CaptureFixture[str]) -> None:
    def skip(_: torch.device) -> Values:
        raise CannotRunError("needs a pear")

    def fail(_: torch.device) -> Values:
        raise ValueError("no apple")

    assert Check("a", skip, fail).row(CPU)[:4] == ("a", "", "needs a pear", "skipped")
    assert Check("b", fail, skip).row(CPU)[:4] == ("b", "no error", "ValueError", "FAILED")
    assert "no apple" in capsys.readouterr().err


def test_columns_are_aligned() -> None:
    lines = table([Row("a", "long text", "1", "ok", "0.1"), Row("bcdefgh", "x", "22", "FAILED", "10.0")]).splitlines()
    assert [line.index(result) for line, result in zip(lines, ("result", "ok", "FAILED"), strict=True)] == [30] * 3


def run(monkeypatch: pytest.MonkeyPatch, *flags: str, checks: Callable[..., Any] = all_checks) -> int:
    monkeypatch.setattr(sys, "argv", ["gpu", *flags])
    monkeypatch.setattr(command, "all_checks", checks)
    return command.main()


def test_no_cuda_is_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out.startswith("skipped: PyTorch finds no CUDA device here")


@pytest.mark.parametrize(("wrong", "code"), [(0.0, 0), (1.0, 1)])
def test_failed_check_gives_code_1_and_the_others_are_carried_out(
    wrong: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [
        Check("first", lambda _: NUMBERS, lambda _: NUMBERS + wrong),
        Check("second", lambda _: NUMBERS, lambda _: NUMBERS),
    ]
    assert run(monkeypatch, "--device", "cpu", checks=lambda _: checks) == code
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["check", "first", "second"]
    assert lines[4].startswith("1 ok, 0 skipped, 1 FAILED" if wrong else "2 ok, 0 skipped, 0 FAILED")


@pytest.fixture
def one_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyTorch have one CUDA device, here and in commands."""
    (tmp_path / "sitecustomize.py").write_text(
        "import torch\n"
        "torch.cuda.is_available, torch.cuda.device_count = lambda: True, lambda: 1\n"
        "torch.cuda.set_device = lambda _: None\n"
    )
    monkeypatch.setattr(commands, "ROOT", f"{tmp_path}{os.pathsep}{ROOT}")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


@pytest.mark.slow
def test_two_processes_on_one_device_are_refused_by_the_command(one_device: None) -> None:
    row = CHECKS["more processes than devices"].row(CUDA)
    assert row.result == "ok"
    assert row.measured == (
        "Error: --nproc: found 2, expected at most 1, the number of CUDA devices here; use --nproc 1, or --device cpu"
    )


@pytest.mark.parametrize("message", ["not refused", "Error: --device: found cuda; use --device auto"])
def test_processes_that_are_not_refused_for_their_number_fail(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    check = replace(CHECKS["more processes than devices"], measured=lambda _: message)
    assert check.row(CUDA).result == "FAILED"
    assert check.row(CPU).result == "skipped"


def test_onnx_on_cuda_is_skipped_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    row = replace(CHECKS["embeddings, ONNX file"], expected=lambda _: NUMBERS).row(CUDA)
    assert (row.measured, row.result) == ("needs onnxruntime-gpu", "skipped")
