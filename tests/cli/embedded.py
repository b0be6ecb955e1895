"""Folder with poses, maps, pairs, checkpoints and embeddings of four synthetic people."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from skelgait.checkpoints.architecture import Architecture
from tests.cli.test_cli import call
from tests.embeddings.networks import write_checkpoint
from tests.paths import ROOT
from tests.synthetic_data import write_dataset

TINY = Architecture("skeletongait", (16, 4, 4, 4), (1, 1, 1, 1), classes=5, embedding_width=6, strips=8)
GROUPS = ("--gallery", "nm-01", "--probes", "Bag=bg-*")
CPU = ("--device", "cpu")


def make(folder: Path) -> Path:
    """Fill `folder`, which is the working folder: `gallery.h5` of skeletongait, `plus.h5` of skeletongait++."""
    write_dataset(folder, people=4, repeats=1)
    for args in (("heatmap", "--workers", 1), ("link",)):
        assert call(*args)[0] == 0
    write_checkpoint(folder / "c.pt", TINY)
    write_checkpoint(folder / "other.pt", TINY, seed=1)
    write_checkpoint(folder / "plus.pt", replace(TINY, name="skeletongait++"))
    for name, checkpoint in (("gallery", "c"), ("other", "other"), ("plus", "plus")):
        flags = ("--checkpoint", f"{checkpoint}.pt", "--identities", "all", "--out", f"{name}.h5", *CPU)
        code, _, err = call("embed", *flags)
        assert code == 0, err
    return folder


def processes(*args: object) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, in the working folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKELGAIT_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "skelgait", *map(str, args)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
