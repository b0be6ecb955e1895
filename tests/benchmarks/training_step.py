"""Speed of a training step, as a fraction of the speed of a matrix product, beside a plain network.

The plain network has tensors (N, C, T, H, W), Conv3d and BatchNorm3d, and transposes the frames before and after every
spatial convolution. Each network trains in its own process. The networks and the matrix product alternate, and the
shortest time of each counts. A step converts gray levels, and does forward, loss, backward and optimizer.

The matrix product is torch.mm in float32, 2048 x 2048 by 2048 x 2048. The operations of a step are those that torch
counts in the plain network, for both networks. Prints a table, and one JSON object as the last line.

Run: python -m tests.benchmarks.training_step [--tiny]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from skelgait import losses, models
from skelgait.runtime.memory import keep_freed_memory
from tests.models.plain import PlainNetwork

CHANNELS = {"CCPG": (64, 128, 256, 512), "tiny": (16, 32, 64, 128)}
BLOCKS = (1, 1, 1, 1)
CLASSES = 100
LABELS = (0, 0, 1, 1)
FRAMES = 30  # of each sequence
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
MATRIX = 2048


class Output(NamedTuple):
    embedding: Tensor
    logits: Tensor


class Variant(NamedTuple):
    """A network to train: implementation, name, precision and size."""

    implementation: str  # skelgait or plain
    network: str
    precision: str
    size: str


def our_forward(variant: Variant) -> tuple[torch.nn.Module, Callable[[Tensor], Output]]:
    """Return the network, and a function from gray levels (N * T, C, 64, 44) to its output."""
    network = models.build_network(
        variant.network, channels=CHANNELS[variant.size], blocks=BLOCKS, classes=CLASSES
    ).train()
    lengths = [FRAMES] * len(LABELS)

    def forward(levels: Tensor) -> Output:
        output = network(levels.to(torch.float32, memory_format=torch.channels_last).div_(255), lengths)
        return Output(output.embedding, output.logits)

    return network, forward


def plain_forward(variant: Variant) -> tuple[torch.nn.Module, Callable[[Tensor], Output]]:
    """Return the plain network, and the same function for it."""
    in_channels = models.network_class(variant.network).in_channels
    network = PlainNetwork(in_channels, CHANNELS[variant.size], BLOCKS, CLASSES)
    for parameter in (network.FCs.fc_bin, network.BNNecks.fc_bin):
        torch.nn.init.xavier_uniform_(parameter)

    def forward(levels: Tensor) -> Output:
        clips = levels.unflatten(0, (len(LABELS), FRAMES)).transpose(1, 2)
        embedding, _, logits = network(clips.to(torch.float32, memory_format=torch.contiguous_format).div_(255))
        return Output(embedding, logits)

    return network, forward


def training_step(variant: Variant) -> Callable[[], None]:
    """Return a function that runs one training step on random frames."""
    network, forward = (our_forward if variant.implementation == "skelgait" else plain_forward)(variant)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    loss, labels = losses.GaitLoss(), torch.tensor(LABELS)
    in_channels = models.network_class(variant.network).in_channels
    levels = torch.randint(0, 256, (len(LABELS) * FRAMES, in_channels, 64, 44), dtype=torch.uint8)
    precision = PRECISIONS[variant.precision]

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
            embedding, logits = forward(levels)
        optimizer.zero_grad()
        loss(Output(embedding.float(), logits.float()), labels).total.backward()
        optimizer.step()

    return step


class Trainer:
    """Process that runs a training step on request.

    Attributes:
        operations: floating point operations of a step, as torch counts them.
    """

    def __init__(self, variant: Variant) -> None:
        context = get_context("spawn")
        self._connection, child_end = context.Pipe()
        self._process = context.Process(target=_train, args=(variant, child_end), daemon=True)
        self._process.start()
        child_end.close()  # otherwise the end of the process is not noticed
        self.operations: int = self._connection.recv()

    def seconds(self) -> float:
        """Run a step and return its time."""
        self._connection.send(True)
        return self._connection.recv()

    def end(self) -> None:
        """End the process."""
        self._connection.send(False)
        self._process.join()


def _train(variant: Variant, connection: Connection) -> None:
    if variant.implementation == "skelgait":
        keep_freed_memory()
    step = training_step(variant)
    with FlopCounterMode(display=False) as counter:
        step()  # also the warm-up
    connection.send(counter.get_total_flops())
    while connection.recv():
        connection.send(seconds(step))


def seconds(run: Callable[[], object]) -> float:
    """Return the time of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def matrix_product(precision: torch.dtype) -> Callable[[], float]:
    """Return a function that multiplies two matrices and returns the time."""
    left, right = torch.randn(2, MATRIX, MATRIX).to(precision)
    product = torch.mm(left, right)
    # Reuses the output memory: without page faults the rate is highest.
    return lambda: seconds(lambda: torch.mm(left, right, out=product))


def by_turns(runs: dict[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Return the shortest time of each run."""
    times = [{name: run() for name, run in runs.items()} for _ in range(repeats)]
    return {name: min(taken[name] for taken in times) for name in runs}


def race(network: str, size: str, repeats: int) -> dict[str, float]:
    """Time all variants of a network and print a table."""
    variants = [Variant(name, network, p, size) for p in PRECISIONS for name in ("skelgait", "plain")]
    trainers = {f"{variant.implementation} {variant.precision}": Trainer(variant) for variant in variants}
    products = {f"mm {name}": matrix_product(precision) for name, precision in PRECISIONS.items()}
    taken = by_turns({name: trainer.seconds for name, trainer in trainers.items()} | products, repeats)
    operations = trainers["plain float32"].operations
    for trainer in trainers.values():
        trainer.end()
    rate = 2 * MATRIX**3 / taken["mm float32"]
    print(f"{network}: {operations / 1e9:.0f} GFLOP per step, torch.mm {rate / 1e9:.0f} GFLOP/s")
    result = {"GFLOP per step": round(operations / 1e9, 1), "mm GFLOP/s": round(rate / 1e9, 1)}
    for name in trainers:
        share = operations / taken[name] / rate
        print(f"  {name:<18}{1000 * taken[name]:>8.0f} ms per step, {share:6.1%} of torch.mm in float32")
        result |= {f"{name} ms": round(1000 * taken[name], 1), f"{name} share": round(share, 4)}
    ratios = {
        "speed-up over plain, float32": taken["plain float32"] / taken["skelgait float32"],
        "bf16 over plain float32": taken["plain float32"] / taken["skelgait bf16"],
        "torch.mm bf16 over float32": taken["mm float32"] / taken["mm bf16"],
    }
    for name, ratio in ratios.items():
        print(f"  {name:<30}{ratio:>6.2f} x", flush=True)
    return result | {name: round(ratio, 3) for name, ratio in ratios.items()}


def main() -> None:
    """Compare all networks at one size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="use the channels of the tiny presets instead of CCPG")
    parser.add_argument("--repeats", type=int, default=4, help="number of timed steps")
    arguments = parser.parse_args()
    size = "tiny" if arguments.tiny else "CCPG"
    batch = f"{len(LABELS)} sequences x {FRAMES} frames"
    print(f"{size} channels {CHANNELS[size]}, {batch}, {torch.get_num_threads()} threads")
    results = {network: race(network, size, arguments.repeats) for network in models.NETWORKS}
    print(json.dumps({"benchmark": "training_step", "size": size, "threads": torch.get_num_threads(), **results}))


if __name__ == "__main__":
    main()
