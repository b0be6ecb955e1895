"""Numbers of OpenGait networks: the weights they were computed with, and the same numbers of skelgait."""

from __future__ import annotations

import functools
import json
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from skelgait import losses, models
from skelgait.opengait.weights import from_opengait, to_opengait
from tests.paths import DATA

CLASSES = {"CCPG": 100, "OUMVLP": 5153, "SUSTech1K": 250, "Gait3D": 3000, "GREW": 20000}
DEEP = ("Gait3D", "GREW")
PRESETS = [f"skeletongait_{dataset}" for dataset in CLASSES]
PRESETS += [f"skeletongait++_{dataset}" for dataset in CLASSES if dataset != "OUMVLP"]
LABELS = torch.tensor([0, 0, 1, 1])
MODELS = DATA / "models"
# By preset, in OpenGait's order: name, shape, gradient norm and norm after one step of each weight (null: none).
OPENGAIT_WEIGHTS: dict[str, list[tuple[str, list[int], float | None, float | None]]] = json.loads(
    (MODELS / "weights.json").read_text()
)


@dataclass(frozen=True)
class Numbers:
    """Numbers of a network for the input of OpenGait's test, with the names of its files."""

    arrays: dict[str, NDArray[np.float32]]
    grad_norm: dict[str, float]
    norm_after_one_sgd_step: dict[str, float]


def parameter(name: str, shape: torch.Size) -> Tensor:
    """Return the value of a weight in OpenGait's test; it depends on the OpenGait name."""
    random = np.random.RandomState(zlib.crc32(name.encode()) % 2**32).standard_normal(tuple(shape)).astype(np.float32)
    kind = name.rsplit(".", 1)[-1]
    if kind == "num_batches_tracked":
        return torch.tensor(0)
    values = {
        "running_mean": lambda: 0.1 * random,
        "running_var": lambda: 1 + 0.3 * np.tanh(random),
        "bias": lambda: 0.1 * random,
        "fc_bin": lambda: random / np.sqrt(shape[1]),
        "weight": lambda: 1 + 0.1 * random if len(shape) == 1 else random * np.sqrt(2 / np.prod(shape[1:])),
    }[kind]()
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def full_network(name: str, dataset: str) -> models.GaitNetwork:
    """Return the network that OpenGait trains on a dataset."""
    blocks = (1, 4, 4, 1) if dataset in DEEP else (1, 1, 1, 1)
    return models.build_network(name, channels=(64, 128, 256, 512), blocks=blocks, classes=CLASSES[dataset])


def network_of(preset: str) -> models.GaitNetwork:
    """Return the full network of a preset with the parameters of OpenGait's test."""
    network = full_network(*preset.split("_"))
    weights = {name: parameter(name, value.shape) for name, value in to_opengait(network.state_dict()).items()}
    network.load_state_dict(from_opengait(weights))
    return network


def opengait_input(in_channels: int) -> Tensor:
    """Return the input of OpenGait's test, (4, 6, C, 64, 44) in [0, 1]."""
    return torch.from_numpy(np.random.RandomState(7).randint(0, 256, (4, 6, in_channels, 64, 44)) / 255).float()


def eval_numbers(preset: str, network: models.GaitNetwork) -> dict[str, NDArray[np.float32]]:
    """Return embeddings in eval mode; embedding 2 for skeletongait on CCPG, otherwise embedding 1."""
    clips = opengait_input(network.in_channels)
    short = clips[0, :-2]
    output_index = 1 if preset == "skeletongait_CCPG" else 0
    network.eval()
    with torch.no_grad():
        clip_embeddings = network(clips.flatten(0, 1), [6] * 4)[output_index]
        short_embedding = network(short, [len(short)])[output_index]
    return {"eval_embeddings": clip_embeddings.numpy(), "eval_embeddings_short": short_embedding.numpy()}


@functools.cache
def skelgait_numbers(preset: str) -> Numbers:
    """Return the numbers of eval mode and of one training step."""
    network = network_of(preset)
    arrays = eval_numbers(preset, network)
    network.train()
    output = network(opengait_input(network.in_channels).flatten(0, 1), [6] * 4)
    report = losses.GaitLoss()(output, LABELS)
    triplet = losses.batch_all_triplet_loss(output.embedding, LABELS, margin=0.2)
    named = {
        "train_embeddings": output.embedding,
        "train_logits_head": output.logits[:, :8],
        "loss/triplet/loss": triplet.loss,
        "loss/triplet/hard_loss": triplet.hard_loss,
        "loss/triplet/loss_num": triplet.n_active,
        "loss/triplet/mean_dist": triplet.mean_distance,
        "loss/softmax/loss": report.terms["cross_entropy/loss"],
        "loss/softmax/accuracy": report.terms["cross_entropy/accuracy"],
        "loss/total": report.total,
    }
    arrays |= {name: tensor.detach().numpy() for name, tensor in named.items()}
    report.total.backward()
    grads = {name: float(value.grad.norm()) for name, value in network.named_parameters() if value.grad is not None}
    torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4).step()
    norms = {name: float(value.float().norm()) for name, value in network.state_dict().items()}
    return Numbers(arrays, to_opengait(grads), to_opengait(norms))


def relative_error(result: ArrayLike, expected: ArrayLike) -> float:
    """Return the largest difference, divided by the largest expected value."""
    result, expected = np.asarray(result, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    assert result.shape == expected.shape
    return float(np.abs(result - expected).max() / max(np.abs(expected).max(), 1e-12))
