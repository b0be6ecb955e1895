"""Commands whose flags ask for another network than that of the checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.embedded import CPU, GROUPS, TINY
from tests.cli.test_cli import call

HINT = "leave out --network and --preset, or pass another --checkpoint or --run-name"


@pytest.mark.parametrize("command", ["evaluate", "embed"])
@pytest.mark.parametrize(
    ("flags", "found", "expected"),
    [
        (("--network", "skeletongait++"), "name skeletongait++", "name skeletongait"),
        (("--set", "train.network.strips=4"), "strips 4", "strips 8"),
    ],
)
def test_another_network_is_refused(
    embedded: Path, tmp_path: Path, command: str, flags: tuple[str, ...], found: str, expected: str
) -> None:
    more = GROUPS if command == "evaluate" else ("--out", tmp_path / "e.h5")
    code, out, err = call(command, "--checkpoint", "c.pt", "--partition", "partition.json", *flags, *more, *CPU)
    assert (code, out) == (1, "")
    assert err == f"Error: --network or --preset: found {found}, expected {expected}, the network of c.pt; {HINT}\n"


def test_another_preset_is_refused(embedded: Path) -> None:
    code, _, err = call("evaluate", "--checkpoint", "c.pt", "--preset", "skeletongait++_SUSTech1K", *CPU)
    assert code == 1
    assert "--network or --preset: found name skeletongait++, " in err
    assert f"channels {TINY.channels}" in err
    assert err.endswith(f"the network of c.pt; {HINT}\n")


def test_network_of_a_settings_file_or_a_default_preset_is_not_compared(embedded: Path, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("train: {network: {name: skeletongait++}}")
    flags = ("--checkpoint", "c.pt", "--partition", "partition.json", "--maps", "maps", *GROUPS, *CPU, "--json")
    for more in (("--settings", tmp_path / "settings.yaml"), ("--dataset", "CASIA-B"), ("--network", TINY.name)):
        code, _, err = call("evaluate", *flags, *more)
        assert code == 0, err


def test_another_network_than_that_of_the_embeddings_is_refused(embedded: Path) -> None:
    flags = ("--embeddings", "gallery.h5", "--partition", "partition.json", *GROUPS, "--network", "skeletongait++")
    code, _, err = call("evaluate", *flags)
    assert code == 1
    assert "found name skeletongait++, expected name skeletongait, the network of gallery.h5" in err


def test_run_of_another_network_is_refused(embedded: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "runs" / "mine" / "checkpoints" / "checkpoint-000007.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes((embedded / "c.pt").read_bytes())
    flags = ("--runs", tmp_path / "runs", "--run-name", "mine", "--network", "skeletongait++", *GROUPS, *CPU)
    code, _, err = call("evaluate", "--partition", "partition.json", *flags)
    assert code == 1
    assert f"found name skeletongait++, expected name skeletongait, the network of {checkpoint}" in err
