"""Checks of whole trainings and commands: exact resume, processes that share a device, ONNX files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait import open_source, train
from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.embeddings.onnx_file import open_onnx_file
from skelgait.embeddings.onnx_model import OnnxModel
from skelgait.embeddings.torch_model import TorchModel
from skelgait.pipelines.export import export_checkpoint
from skelgait.settings.training import TrainSettings
from tests.cli.embedded import TINY, write_checkpoint
from tests.commands import run_command
from tests.embeddings.networks import small_network
from tests.gpu.check import CannotRunError, Check, Values, absolute, relative
from tests.synthetic_data import write_random_maps

CPU = torch.device("cpu")
STEPS = 4
CHANNELS = {"cuda": (64, 128, 128, 128), "cpu": (4, 8, 8, 8)}


def run_checks() -> Iterator[Check]:
    """Yield the checks."""
    yield Check("resume after half of the steps", uninterrupted, resumed, absolute, 0)
    yield Check("more processes than devices", shared_hint, shared_message)
    yield Check("embeddings, ONNX file", onnx_expected, onnx_measured, relative, 1e-4, "(relative)")


def uninterrupted(device: torch.device) -> NDArray[np.float64]:
    """Return losses, weights and momentum of an uninterrupted training."""
    with TemporaryDirectory() as folder:
        return _trained(Path(folder), device, STEPS)


def resumed(device: torch.device) -> NDArray[np.float64]:
    """Return losses, weights and momentum of a training that is resumed after half of its steps."""
    with TemporaryDirectory() as folder:
        _trained(Path(folder), device, STEPS // 2)
        return _trained(Path(folder), device, STEPS, resume=True)


def _trained(folder: Path, device: torch.device, iterations: int, *, resume: bool = False) -> NDArray[np.float64]:
    if not resume:
        write_random_maps(folder / "maps")
    settings = TrainSettings.model_validate(
        {
            "network": {"channels": CHANNELS[device.type], "embedding_width": 8},
            "sampling": {"identities_per_batch": 3, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
            "optimizer": {"learning_rate": 0.01, "milestones": [3]},
            "iterations": iterations, "log_every": 1, "save_every": STEPS // 2, "num_workers": 1, "resume": resume,
        }
    )  # fmt: skip
    source = open_source(folder / "maps", "map")
    report = train(source, {key.identity for key in source.keys}, folder / "run", settings, device)
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    terms = [value for line in map(json.loads, lines) for name, value in line.items() if name.endswith("/loss")]
    checkpoint = load_checkpoint(report.checkpoint)
    momentum = [state["momentum_buffer"] for state in checkpoint.training["optimizer"]["state"].values()]
    tensors = [*checkpoint.weights.values(), *momentum]
    return np.concatenate([np.array(terms), *(tensor.double().flatten().numpy() for tensor in tensors)])


def shared_hint(device: torch.device) -> str:
    """Return the hint of the refusal."""
    if device.type != "cuda":
        raise CannotRunError("needs CUDA: processes may share a CPU")
    return f"use --nproc {torch.cuda.device_count()}, or --device cpu"


def shared_message(device: torch.device) -> str:
    """Return the last line of a training in more processes than devices."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_random_maps(folder / "maps")
        identities = [f"{identity:03d}" for identity in range(4)]
        (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": identities, "TEST_SET": ["004"]}))
        (folder / "skelgait.yaml").write_text("partition: partition.json\n")
        run = run_command(folder, "train", "--nproc", torch.cuda.device_count() + 1, "--device", device.type)
    return (run.stderr.strip().splitlines() or ["no message"])[-1] if run.returncode else "not refused"


def onnx_expected(device: torch.device) -> Values:
    """Return the embeddings of the network in PyTorch on the CPU."""
    frames, lengths = _onnx_input()
    return np.stack(TorchModel(small_network(TINY), CPU).embed(frames, lengths))


def onnx_measured(device: torch.device) -> Values:
    """Return the embeddings of the exported network in onnxruntime on the device."""
    try:
        import onnx  # noqa: F401
        from onnxruntime import get_available_providers
    except ImportError as error:
        raise CannotRunError("needs the packages onnx and onnxruntime") from error
    if device.type == "cuda" and "CUDAExecutionProvider" not in get_available_providers():
        raise CannotRunError("needs onnxruntime-gpu")
    with TemporaryDirectory() as folder:
        write_checkpoint(Path(folder, "net.pt"), TINY)
        report = export_checkpoint(Path(folder, "net.pt"), "onnx")
        model = OnnxModel(open_onnx_file(report.path, device.type, "float32"))
        return np.stack(model.embed(*_onnx_input()))


def _onnx_input() -> tuple[NDArray[np.uint8], list[int]]:
    return np.random.default_rng(0).integers(0, 256, (12, 2, 64, 44), np.uint8), [5, 7]
