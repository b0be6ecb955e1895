"""Checks of the arithmetic: maps, training steps, embeddings, distances."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait import GaitLoss, build_network, draw_maps, scale_frames, skeleton_maps
from skelgait.embeddings.torch_model import TorchModel
from skelgait.matching.distances import distance_rows
from skelgait.matching.options import MatchingOptions
from skelgait.models import GaitNetwork
from skelgait.runtime.devices import autocast, exact_convolutions
from tests.gpu.check import Check, absolute, relative

CPU = torch.device("cpu")
IN_CHANNELS = {"skeletongait": 2, "skeletongait++": 3}
# Limits are three to ten times the differences measured on a CPU, and below those of a fault such as TF32 or a step
# without a gradient, which changes a loss by a tenth. Losses: another order of additions in batch norm changes float32
# by 2e-5 after three steps; bf16 differs from float32 by 0.015, fp16 by 0.0014.
LOSS_LIMITS = {"float32": 3e-4, "bf16": 5e-2, "fp16": 1e-2}
# Embeddings: bf16 differs from float32 by 0.007, fp16 by 0.0009, float32 of another library by 2e-7.
EMBEDDING_LIMITS = {"float32": 1e-4, "bf16": 5e-2, "fp16": 1e-2}
SEQUENCES, FRAMES = 4, 4


def arithmetic_checks(device: torch.device) -> Iterator[Check]:
    """Yield the checks; on CUDA the networks are those of the CCPG preset, on a CPU they are small."""
    width = 64 if device.type == "cuda" else 4
    yield Check("maps", lambda _: _maps_of_cpu(), _maps, absolute, 1, "gray levels")
    for name in IN_CHANNELS:
        for precision, limit in LOSS_LIMITS.items():
            title = f"3 training steps, {name}, {precision}"
            expected, measured = partial(_losses_of_cpu, name, width), partial(losses, name, width, precision)
            yield Check(title, expected, measured, relative, limit, "(relative)")
    for name in IN_CHANNELS:
        for precision, limit in EMBEDDING_LIMITS.items():
            title = f"embeddings, {name}, {precision}"
            expected, measured = partial(_embeddings_of_cpu, name, width), partial(embeddings, name, width, precision)
            yield Check(title, expected, measured, relative, limit, "(relative)")
    for distance in ("euclidean", "cosine"):
        measured = partial(distances, distance)
        yield Check(f"{distance} distances, matrix product", partial(products, distance), measured, absolute, 1e-4)
        yield Check(f"{distance} distances, CPU", lambda _, run=measured: run(CPU), measured, absolute, 1e-5)


def _poses() -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    walker = rng.uniform(0, 1, (1, 17, 3)) * (60, 180, 1)
    return walker + rng.normal(0, 1, (130, 17, 3)) * (3, 3, 0)


def _maps(device: torch.device) -> NDArray[Any]:
    return draw_maps(torch.from_numpy(_poses()).to(device)).cpu().numpy()


def _maps_of_cpu() -> NDArray[Any]:
    """Return the maps that compiled loops draw, without torch."""
    return skeleton_maps(_poses()).maps


def _frames(name: str) -> NDArray[np.uint8]:
    shape = (SEQUENCES * FRAMES, IN_CHANNELS[name], 64, 44)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _network(name: str, width: int) -> GaitNetwork:
    torch.manual_seed(0)
    channels = (width, 2 * width, 4 * width, 8 * width)
    return build_network(name, channels=channels, blocks=(1, 1, 1, 1), classes=2, embedding_width=4 * width)


def losses(name: str, width: int, precision: str, device: torch.device) -> NDArray[np.float64]:
    """Return the losses of three training steps."""
    network, loss_function = _network(name, width).to(device).train(), GaitLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16", init_scale=1024)
    frames, labels = torch.from_numpy(_frames(name)), torch.arange(SEQUENCES) // 2
    found = []
    with exact_convolutions(device):
        for _ in range(3):
            with autocast(precision, device):
                output = network(scale_frames(frames, device), [FRAMES] * SEQUENCES)
            loss = loss_function(output, labels).total
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            found.append(loss.item())
    return np.array(found)


@cache
def _losses_of_cpu(name: str, width: int, _: torch.device) -> NDArray[np.float64]:
    return losses(name, width, "float32", CPU)


def embeddings(name: str, width: int, precision: str, device: torch.device) -> NDArray[np.float32]:
    """Return both embeddings of sequences of different lengths."""
    lengths = [FRAMES + 2, FRAMES - 2, *[FRAMES] * (SEQUENCES - 2)]
    return np.stack(TorchModel(_network(name, width), device, precision).embed(_frames(name), lengths))


@cache
def _embeddings_of_cpu(name: str, width: int, _: torch.device) -> NDArray[np.float32]:
    return embeddings(name, width, "float32", CPU)


def _vectors(seed: int, n: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(1, 1, (n, 64, 16)).astype(np.float32)


PROBES, GALLERY = _vectors(1, 300), _vectors(2, 700)


def distances(distance: str, device: torch.device) -> NDArray[np.float32]:
    """Return the distances that evaluations use."""
    options = MatchingOptions(distance, None if device.type == "cpu" else device)
    rows = distance_rows(PROBES, GALLERY, options)(np.arange(len(PROBES)), np.arange(len(GALLERY)))
    return np.concatenate([block.copy() for _, block in rows])


def products(distance: str, device: torch.device) -> NDArray[np.float64]:
    """Return the distances from a matrix product in float64 on the device: |a|^2 + |b|^2 - 2ab, or 1 - cosine."""
    a, b = (torch.from_numpy(values).to(device).double().permute(2, 0, 1) for values in (PROBES, GALLERY))
    if distance == "cosine":
        a, b = (values / values.norm(dim=2, keepdim=True) for values in (a, b))
        return (1 - a @ b.transpose(1, 2)).mean(0).cpu().numpy()
    squares = a.square().sum(2)[:, :, None] + b.square().sum(2)[:, None] - 2 * a @ b.transpose(1, 2)
    return squares.clamp(min=0).sqrt().mean(0).cpu().numpy()
