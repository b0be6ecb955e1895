"""Writing commands on tiny inputs, and what their outputs must be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from skelgait.embeddings.gallery import open_gallery
from tests.faults.children import run_here
from tests.synthetic_data import write_dataset

SETTINGS = {
    "partition": "partition.json",
    "heatmap": {"workers": 1}, "silhouettes": {"workers": 1}, "convert": {"workers": 1}, "poses": {"workers": 1},
    "embed": {"device": "cpu", "identities": "all"}, "evaluate": {"device": "cpu"}, "identify": {"device": "cpu"},
    "enroll": {"device": "cpu"},
    "train": {
        "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
        "sampling": {"identities_per_batch": 2, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
        "optimizer": {"milestones": [20], "learning_rate": 0.01},
        "iterations": 12, "log_every": 1, "save_every": 3, "num_workers": 0, "device": "cpu", "run_name": "run",
    },
}  # fmt: skip
PROTOCOL = ("--gallery", "nm-01", "--probes", "Bag=bg-*")


@dataclass(frozen=True)
class Command:
    """Command that writes.

    Attributes:
        args: command and flags.
        out: file or folder that it writes, relative to the working folder.
        content: function from the path of the output to what two equal runs have in common.
        kills: number of kills in a full attack.
    """

    args: tuple[object, ...]
    out: str
    content: Callable[[Path], Any]
    kills: int


def bytes_of(path: Path) -> dict[str, str]:
    """Return the hash of each file, hidden ones too, and the target of each link."""
    files = (
        [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_symlink() or file.is_file())
    )
    return {
        str(file.relative_to(path)): str(file.readlink()) if file.is_symlink() else _hash(file.read_bytes())
        for file in files
    }


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def training(run_folder: Path) -> dict[str, Any]:
    """Return the losses of each step, the hashes of all tensors of the checkpoints, and names of files."""
    lines = [json.loads(line) for line in (run_folder / "metrics.jsonl").read_text().splitlines()]
    losses = [(line["iteration"], line["triplet/loss"], line["cross_entropy/loss"]) for line in lines]
    tensors = {path.name: _tensors(torch.load(path, weights_only=True)) for path in sorted(run_folder.rglob("*.pt"))}
    names = sorted(str(file.relative_to(run_folder)) for file in run_folder.rglob("*"))
    return {"losses": losses, "tensors": tensors, "files": names}


def _tensors(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _tensors(inner) for name, inner in value.items() if name not in ("settings", "data")}
    return _hash(value.numpy().tobytes()) if isinstance(value, torch.Tensor) else str(value)


def demo(folder: Path) -> dict[str, Any]:
    """Return what two demos have in common: the data, and the trainings."""
    data = {name: bytes_of(folder / name) for name in ("poses", "silhouettes", "maps", "pairs")}
    return data | {run.name: training(run) for run in sorted((folder / "runs").iterdir())}


def report(folder: Path) -> dict[str, str]:
    """Return the hash of each file of a report, without the date of the evaluation."""
    content = bytes_of(folder)
    plain = json.loads((folder / "report.json").read_text())
    undated = dict.fromkeys({"report.md", "ranks.h5"} & content.keys(), "there")
    return content | undated | {"report.json": str({**plain, "origin": None})}


def gallery(path: Path) -> list[tuple[object, ...]]:
    """Return the sequences of a gallery and the hashes of their embeddings, without the date of the enrollment."""
    rows = open_gallery(path).rows
    hashes = [_hash(rows.embedding_1[i : i + 1].tobytes()) for i in range(len(rows.keys))]
    return [(*key, origin.sha256, digest) for key, origin, digest in zip(rows.keys, rows.origins, hashes, strict=True)]


COMMANDS = {
    "synth": Command(("synth", "walkers", "--people", 2, "--views", 1, "--frames", 8), "walkers", bytes_of, 10),
    "poses": Command(("poses", "raw", "--poses", "poses-out"), "poses-out", bytes_of, 15),
    "silhouettes": Command(("silhouettes", "images", "--silhouettes", "sil-out"), "sil-out", bytes_of, 15),
    "heatmap": Command(("heatmap", "--maps", "maps-out"), "maps-out", bytes_of, 25),
    "heatmap hdf5": Command(("heatmap", "--maps", "hdf5-out", "--storage", "hdf5"), "hdf5-out", bytes_of, 20),
    "link": Command(("link", "--pairs", "pairs-out", "--on-mismatch", "trim"), "pairs-out", bytes_of, 25),
    "link hdf5": Command(("link", "--pairs", "pairs-h5", "--storage", "hdf5"), "pairs-h5", bytes_of, 10),
    "convert": Command(("convert", "maps", "converted"), "converted", bytes_of, 15),
    "train": Command(("train",), "runs/run", training, 15),
    "demo": Command(("demo", "--quick", "--out", "demo"), "demo", demo, 3),
    "embed": Command(("embed", "--checkpoint", "c.pt", "--out", "embedded/e.h5"), "embedded/e.h5", bytes_of, 25),
    "evaluate": Command(("evaluate", "--embeddings", "e.h5", "--report", "report", *PROTOCOL), "report", report, 10),
    "enroll": Command(("enroll", "maps", "--checkpoint", "c.pt", "--gallery", "known/g.h5"), "known/g.h5", gallery, 15),
    "identify": Command(("identify", "e.h5", "--gallery", "e.h5", "--out", "ranks/r.csv"), "ranks/r.csv", bytes_of, 5),
    "show": Command(("show", "maps", "--out", "pictures"), "pictures", bytes_of, 5),
    "runs": Command(("runs", "--runs", "done", "--plot", "plots/p.png"), "plots/p.png", Path.is_file, 5),
}


def make_workspace(folder: Path) -> None:
    """Write the inputs of all commands into `folder`, the working folder."""
    import cv2
    import numpy as np

    from skelgait.storage import open_source

    write_dataset(folder, people=4, repeats=1, views=2, frames=8)
    (folder / "skelgait.yaml").write_text(json.dumps(SETTINGS))
    for key in open_source(folder / "poses", "pose").keys:
        (array,) = open_source(folder / "poses", "pose").read(key)
        path = folder / "raw" / key.identity / key.condition / f"{key.view}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
        images = folder / "images" / Path(*key)
        images.mkdir(parents=True)
        for t in range(4):
            picture = np.zeros((48, 32), np.uint8)
            picture[4 : 40 + t, 8:20] = 255
            cv2.imwrite(str(images / f"{t}.png"), picture)
    for args in (
        ("heatmap",), ("train", "--runs", "done"),
        ("embed", "--checkpoint", "done/run/checkpoints/checkpoint-000012.pt", "--out", "e.h5"),
        ("runs", "--runs", "done", "--plot", "warm.png"),
    ):  # fmt: skip
        run_here(folder, *args)
    (folder / "c.pt").write_bytes((folder / "done/run/checkpoints/checkpoint-000012.pt").read_bytes())
