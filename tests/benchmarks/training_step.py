"""Speed of a training step, ours against a plain arrangement of the same network.

Plain means (N, C, T, H, W) through Conv3d and BatchNorm3d, with the frames transposed in and out of every spatial
convolution. Convolutions limit both: in float32 ours spends four fifths of its time in them, at the speed of a large
matrix product. The rest is limited by memory, and above all by the pages that malloc gives back to the system and asks
for again at every step.

Run: python -m tests.benchmarks.training_step [--full]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from skelgait import losses, models
from tests.models.plain import PlainNetwork

BLOCKS = (1, 1, 1, 1)
CLASSES = 74
PRECISIONS = ("float32", "bf16")


class Size(NamedTuple):
    channels: tuple[int, int, int, int]
    identities: int
    sequences: int  # of each identity
    frames: int  # of each sequence


TINY = Size((16, 32, 64, 128), identities=7, sequences=4, frames=15)
FULL = Size((64, 128, 256, 512), identities=4, sequences=2, frames=10)


class Output(NamedTuple):
    embedding: Tensor
    logits: Tensor


def training_step(
    network: torch.nn.Module, forward: Callable[[], tuple[Tensor, Tensor]], labels: Tensor, precision: str
) -> Callable[[], None]:
    """A function that does one step of training."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    loss = losses.GaitLoss()

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            embedding, logits = forward()
        optimiser.zero_grad()
        loss(Output(embedding.float(), logits.float()), labels).total.backward()
        optimiser.step()

    return step


def both_arrangements(name: str, size: Size, precision: str) -> dict[str, Callable[[], None]]:
    """Training steps of ours and of the plain arrangement, on the same batch and from the same parameters."""
    network = models.build_network(name, channels=size.channels, blocks=BLOCKS, classes=CLASSES)
    plain = PlainNetwork(network.in_channels, size.channels, BLOCKS, CLASSES)
    plain.load_state_dict(models.to_authors(network.state_dict()))
    labels = torch.arange(size.identities).repeat_interleave(size.sequences)
    n_sequences = len(labels)
    frames = torch.rand(n_sequences * size.frames, network.in_channels, 64, 44)
    clips = frames.unflatten(0, (n_sequences, size.frames)).transpose(1, 2).contiguous()

    def forward_ours() -> tuple[Tensor, Tensor]:
        output = network(frames, [size.frames] * n_sequences)
        return output.embedding, output.logits

    def forward_plain() -> tuple[Tensor, Tensor]:
        embedding, _, logits = plain(clips)
        return embedding, logits

    return {
        "ours": training_step(network, forward_ours, labels, precision),
        "plain": training_step(plain, forward_plain, labels, precision),
    }


def seconds_a_step(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Shortest time of each, taken by turns, so that both meet the same noise of the machine; after one to warm up."""
    times: dict[str, list[float]] = {arrangement: [] for arrangement in steps}
    for repeat in range(repeats + 1):
        for arrangement, step in steps.items():
            start = time.perf_counter()
            step()
            if repeat:
                times[arrangement].append(time.perf_counter() - start)
    return {arrangement: min(taken) for arrangement, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the authors' channels instead of the tiny ones")
    parser.add_argument("--repeats", type=int, default=5, help="steps that are timed")
    arguments = parser.parse_args()
    size = FULL if arguments.full else TINY
    n_sequences = size.identities * size.sequences
    print(
        f"channels {size.channels}, {n_sequences} sequences x {size.frames} frames, {torch.get_num_threads()} threads"
    )
    print(f"{'network':<16}{'precision':<11}{'ours ms':>9}{'plain ms':>10}{'ratio':>7}")
    results: dict[str, float] = {}
    for name in models.NETWORKS:
        for precision in PRECISIONS:
            taken = seconds_a_step(both_arrangements(name, size, precision), arguments.repeats)
            ratio = taken["plain"] / taken["ours"]
            ours_ms, plain_ms = 1000 * taken["ours"], 1000 * taken["plain"]
            print(f"{name:<16}{precision:<11}{ours_ms:>9.0f}{plain_ms:>10.0f}{ratio:>7.2f}", flush=True)
            results[f"{name} {precision} steps/s"] = round(1 / taken["ours"], 3)
            results[f"{name} {precision} plain steps/s"] = round(1 / taken["plain"], 3)
            results[f"{name} {precision} times as fast as plain"] = round(ratio, 2)
    print(json.dumps({"benchmark": "training_step", "size": "full" if arguments.full else "tiny", **results}))


if __name__ == "__main__":
    main()
