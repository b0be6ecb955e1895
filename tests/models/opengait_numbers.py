"""OpenGait numbers: how their test parameters are made, and our numbers under their names."""

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
    """What a network gives for OpenGait input, under the names of their files."""

    arrays: dict[str, NDArray[np.float32]]
    grad_norm: dict[str, float]
    norm_after_one_sgd_step: dict[str, float]


def parameter(name: str, shape: torch.Size) -> Tensor:
    """The value that OpenGait entry of this name has in their test."""
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
    """The network that OpenGait train on a dataset."""
    blocks = (1, 4, 4, 1) if dataset in DEEP else (1, 1, 1, 1)
    return models.build_network(name, channels=(64, 128, 256, 512), blocks=blocks, classes=CLASSES[dataset])


def network_of(preset: str) -> models.GaitNetwork:
    """The full network of a preset with OpenGait test parameters."""
    network = full_network(*preset.split("_"))
    theirs = {name: parameter(name, value.shape) for name, value in to_opengait(network.state_dict()).items()}
    network.load_state_dict(from_opengait(theirs))
    return network


def authors_input(in_channels: int) -> Tensor:
    """(4, 6, C, 64, 44) in [0, 1]."""
    return torch.from_numpy(np.random.RandomState(7).randint(0, 256, (4, 6, in_channels, 64, 44)) / 255).float()


def evaluated(preset: str, network: models.GaitNetwork) -> dict[str, NDArray[np.float32]]:
    """Embeddings in eval mode; those of skeletongait for CCPG are embedding 2."""
    clips = authors_input(network.in_channels)
    short = clips[0, :-2]
    which = 1 if preset == "skeletongait_CCPG" else 0
    network.eval()
    with torch.no_grad():
        whole = network(clips.flatten(0, 1), [6] * 4)[which]
        alone = network(short, [len(short)])[which]
    return {"eval_embeddings": whole.numpy(), "eval_embeddings_short": alone.numpy()}


@functools.cache
def our_numbers(preset: str) -> Numbers:
    """All numbers: eval mode, then one step of training."""
    network = network_of(preset)
    arrays = evaluated(preset, network)
    network.train()
    output = network(authors_input(network.in_channels).flatten(0, 1), [6] * 4)
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


def relative_error(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Largest difference, relative to the largest of their values."""
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-12))
