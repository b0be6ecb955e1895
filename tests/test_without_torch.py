"""Commands and functions in a process in which torch cannot be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from skelgait import Embedder, open_embeddings, open_source
from skelgait.checkpoints.checkpoint import Checkpoint, save_checkpoint
from skelgait.checkpoints.hub import file_sha256
from tests.cli.embedded import TINY
from tests.cli.test_cli import call
from tests.embeddings.networks import small_network
from tests.embeddings.onnx_files import write_onnx
from tests.paths import ROOT
from tests.synthetic_data import write_dataset

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

# Each line is one command; a command is refused if it imports torch.
BLOCKED = """
import json, sys
sys.modules["torch"] = None
from contextlib import suppress
from skelgait.cli import main
for command in json.loads(sys.argv[1]):
    sys.argv = ["skelgait", *command]
    try:
        main()
    except SystemExit as end:
        print(f"exit {end.code or 0}", flush=True)
"""
PACKAGES = (
    "numpy", "numba", "opencv-python-headless", "h5py", "hdf5plugin", "pillow", "pydantic", "pyyaml", "typer", "rich",
    "onnxruntime",
)  # fmt: skip
EMBED = ("embed", "--checkpoint", "model.onnx", "--identities", "all", "--out")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with maps, a checkpoint, the ONNX file of it, and embeddings of the checkpoint."""
    folder = tmp_path_factory.mktemp("without_torch")
    network = small_network(TINY)
    save_checkpoint(folder / "model.pt", Checkpoint(TINY, network.state_dict(), 7, 2))
    write_onnx(folder / "model.onnx", network, TINY, checkpoint_sha256=file_sha256(folder / "model.pt"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_dataset(folder, people=2, repeats=1, frames=12)
        assert call("heatmap", "--workers", 1)[0] == 0
        code, _, err = call(*EMBED[:2], "model.pt", *EMBED[3:], "torch.h5", "--device", "cpu")
        assert code == 0, err
    return folder


def without_torch(folder: Path, *commands: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run commands in one process that has no torch."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", BLOCKED, json.dumps(commands)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_embed_enroll_identify_and_evaluate_need_no_torch_and_give_the_embeddings_of_torch(folder: Path) -> None:
    done = without_torch(
        folder,
        ("--help",),
        ("embed", "--help"),
        (*EMBED, "onnx.h5"),
        ("identify", "maps", "--gallery", "onnx.h5", "--out", "ranking.csv"),
        # The file fits embeddings of its checkpoint.
        ("identify", "maps", "--gallery", "torch.h5", "--checkpoint", "model.onnx"),
        ("evaluate", "--embeddings", "onnx.h5", "--gallery", "*", "--probes", "all=*", "--json"),
        ("enroll", "poses", "--gallery", "gallery.h5", "--checkpoint", "model.onnx"),
        ("gallery", "check", "gallery.h5"),
        ("identify", "poses", "--gallery", "gallery.h5"),
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("exit")] == ["exit 0"] * 9, done.stderr
    for number in (1, 2):
        found, expected = (open_embeddings(folder / name, number).values.numpy() for name in ("onnx.h5", "torch.h5"))
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    rows = (folder / "ranking.csv").read_text().splitlines()[1:]
    assert all(row.split(",")[0] == row.split(",")[3] for row in rows if row.split(",")[1] == "1")


def test_commands_that_need_torch_say_how_to_install_it(folder: Path) -> None:
    done = without_torch(
        folder,
        (*EMBED[:2], "model.pt", "--maps", "maps"),
        ("train", "--dataset", "CASIA-B"),
        ("checkpoint", "model.pt"),
        (*EMBED, "x.h5", "--nproc", "2"),
        (*EMBED, "x.h5", "--set", "embed.num_workers=2"),
        (*EMBED, "x.h5", "--device", "mps"),
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert len(errors) == 6, done.stderr
    assert all("pip install torch --index-url https://download.pytorch.org/whl/cpu" in line for line in errors[:5])
    assert "--device: found mps with model.onnx, expected cpu for ONNX files" in errors[5]
    assert errors[4].startswith("Error: num_workers: found no PyTorch")
    assert errors[4].endswith("or use num_workers 0")
    assert "Traceback" not in done.stderr


def test_embedder_of_an_onnx_file_equals_that_of_the_checkpoint(folder: Path) -> None:
    source = open_source(folder / "maps", "map")
    sequences = [source.read(key)[0][:9] for key in source.keys[:3]]
    runner, network = Embedder(folder / "model.onnx", device="cpu"), Embedder(folder / "model.pt", device="cpu")
    expected = network(sequences)
    assert np.abs(runner(sequences) - expected).max() <= 1e-5 * np.abs(expected).max()
    assert repr(runner) == "<Embedder: skeletongait, iteration 7, embedding 2, on cpu>"


@pytest.mark.slow
def test_environment_without_torch_embeds(folder: Path, tmp_path: Path) -> None:
    """Install the project and its dependencies except torch into an empty environment."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", *PACKAGES]
    if subprocess.run(install, capture_output=True).returncode:
        pytest.skip("the package index is not reachable")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", ROOT], check=True)
    assert subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 1
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-m", "skelgait", *EMBED, "real.h5"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found, expected = (open_embeddings(folder / name).values.numpy() for name in ("real.h5", "torch.h5"))
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
