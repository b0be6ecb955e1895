"""Progress on stderr."""

from __future__ import annotations

import re
import time

import pytest

from skelgait.runtime import progress as module
from skelgait.runtime.progress import progress


def without_times(lines: str) -> str:
    """Replace the time of day, the rate and the remaining time, which differ from run to run."""
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines.splitlines())
    lines = re.sub(r"^\S+ ", "", lines, flags=re.MULTILINE)
    return re.sub(r", [\d.e+]+ steps/s(, [\d:]+ left)?", "", lines)


def test_without_terminal_each_status_is_an_unfolded_line(capsys: pytest.CaptureFixture[str]) -> None:
    status = "loss 1.234, " + "x" * 100
    with progress(300, "Training [1]", "steps") as advance:
        for step in range(1, 301):
            advance(1, status if step % 100 == 0 else "")
    out, err = capsys.readouterr()
    assert out == ""
    assert without_times(err) == "".join(f"Training [1]: {n}/300 steps, {status}\n" for n in (100, 200, 300))


def test_without_terminal_a_line_is_written_at_intervals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LINES", 0.0)
    with progress(None, "Embedding", "steps") as advance:
        advance(3)
        advance(4)
    assert without_times(capsys.readouterr().err) == "Embedding: 3 steps\nEmbedding: 7 steps\n"


def test_final_count_follows_an_earlier_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(5, "Training", "steps") as advance:
        advance(2, "loss 1")
        advance(3)
    assert without_times(capsys.readouterr().err).splitlines()[1:] == ["Training: 5/5 steps, loss 1"]


def test_short_work_without_status_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(5, "Embedding", "steps") as advance:
        advance(5)
    assert capsys.readouterr() == ("", "")


def test_other_ranks_write_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with progress(5, "Training", "steps") as advance:
        advance(5, "loss 1")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("width", "has_elapsed"), [("80", False), ("120", True)])
def test_terminal_shows_a_labelled_bar_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: str, has_elapsed: bool
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": width}.items():
        monkeypatch.setenv(name, value)
    with progress(60000, "Training", "steps") as advance:
        for _ in range(3):
            time.sleep(0.05)
            advance(1, "loss 1.234, accuracy 56 %")
    frames = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", capsys.readouterr().err).replace("\r", "\n").splitlines()
    assert all(len(frame) <= int(width) for frame in frames)
    (last,) = [frame for frame in frames if "3/60000" in frame][-1:]
    assert re.search(r"3/60000 .* steps/s .*\d:\d\d:\d\d left +loss 1.234, accuracy 56 %", last)
    assert ("0:00:00 elapsed" in last) == has_elapsed
