"""Speed of onnxruntime and of torch, in frames a second, on the CPU.

Both embed the same random sequences one by one, as `skelgait embed` does. They alternate, and the shortest time of each
counts. Prints a table with the ratio of the speeds and the largest relative difference of the embeddings.

Run: python -m tests.benchmarks.onnx_runner [--frames 60] [--threads 2] [--presets skeletongait_tiny ...]
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from skelgait.checkpoints.architecture import Architecture
from skelgait.checkpoints.checkpoint import Checkpoint
from skelgait.embeddings.model import EmbeddingModel
from skelgait.export.graph import ExportGraph
from skelgait.export.metadata import metadata_json
from skelgait.export.to_onnx import onnx_bytes
from skelgait.models.inputs import channels_of
from skelgait.pipelines.open_network import open_checkpoint, open_network
from skelgait.runtime.memory import keep_freed_memory
from skelgait.settings import load_settings

PRESETS = ("skeletongait_tiny", "skeletongait++_tiny", "skeletongait_CCPG", "skeletongait++_CCPG")
ROUNDS = 3


def seconds(model: EmbeddingModel, frames: np.ndarray) -> float:
    start = time.perf_counter()
    model.embed(frames, [len(frames)])
    return time.perf_counter() - start


def models(preset: str, folder: Path) -> tuple[EmbeddingModel, EmbeddingModel, int]:
    """Return the network of a preset in torch and in onnxruntime, and its channels."""
    network = load_settings(preset=preset, environ={}, default_file=None).settings.train.network
    architecture = Architecture(classes=100, **network.model_dump(exclude={"test_embedding"}))
    torch.manual_seed(0)
    checkpoint = Checkpoint(architecture, architecture.build().state_dict(), 1)
    facts, in_torch = open_checkpoint(checkpoint, "cpu", "float32")
    shapes = [(2, 5, 2, 64, 64), (2, 5, 64, 64)][: len(facts.modalities)]
    examples = tuple(torch.zeros(shape, dtype=torch.uint8) for shape in shapes)
    path = folder / "model.onnx"
    path.write_bytes(onnx_bytes(ExportGraph(checkpoint.network()), metadata_json(facts, {}, "x"), examples))
    return in_torch, open_network(path, "cpu", "float32")[1], len(channels_of(facts.modalities))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--presets", nargs="*", default=PRESETS)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    print(f"load {os.getloadavg()[0]:.1f}, {arguments.frames} frames a sequence, {arguments.threads} threads")
    for preset in arguments.presets:
        with TemporaryDirectory() as folder:
            in_torch, in_onnx, channels = models(preset, Path(folder))
        rng = np.random.default_rng(0)
        frames = rng.integers(0, 256, (arguments.frames, channels, 64, 44), np.uint8)
        first, second = (model.embed(frames, [len(frames)])[0] for model in (in_torch, in_onnx))  # warm up
        times = np.array([[seconds(model, frames) for model in (in_torch, in_onnx)] for _ in range(ROUNDS)]).min(0)
        speeds = arguments.frames / times
        error = np.abs(first - second).max() / np.abs(first).max()
        print(
            f"{preset:20} torch {speeds[0]:7.1f}  onnxruntime {speeds[1]:7.1f} frames/s  "
            f"ratio {speeds[1] / speeds[0]:.2f}  difference {error:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
