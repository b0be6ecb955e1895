"""Comparison of an exported network with the network itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.maps import skeleton_maps
from skelgait.models import GaitNetwork
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.rng import rng_for
from skelgait.sampling.inputs import cut_columns, stack_modalities
from skelgait.synth.anthropometry import sample_person
from skelgait.synth.body import silhouettes
from skelgait.synth.camera import Camera, simulate_detection
from skelgait.synth.gait import walk

Arrays = Sequence[NDArray[np.uint8]]
"""One array for each input of the network: maps (N, T, 2, 64, 64), and silhouettes (N, T, 64, 64)."""

Run = Callable[[Arrays], Sequence[NDArray[np.float32]]]
"""Function that returns both embeddings (N, D, S)."""

Errors = dict[tuple[int, int], float]
"""Largest error of the embeddings relative to their largest value, by number of sequences and frames."""

SHAPES = ((1, 1), (1, 7), (1, 53), (1, 200), (1, 720), (3, 7))
"""Numbers of sequences and frames to compare."""

TOLERANCE = 1e-5
"""Largest error of an embedding, relative to its largest value."""


def walker(n_sequences: int, n_frames: int, modalities: Sequence[str]) -> list[NDArray[np.uint8]]:
    """Return the inputs of a network for synthetic walkers.

    Args:
        n_sequences: number of sequences N, each of another person.
        n_frames: number of frames T.
        modalities: modalities of the network.

    Returns:
        Maps (N, T, 2, 64, 64), and silhouettes (N, T, 64, 64) if the network takes them; uint8.
    """
    people = [_walk(number, n_frames) for number in range(n_sequences)]
    return [np.stack(arrays) for arrays in list(zip(*people, strict=True))[: len(modalities)]]


def _walk(number: int, n_frames: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = rng_for(0, number)
    person, camera = sample_person(rng), Camera(90.0)
    joints, toes = walk(person, "normal", n_frames, rng)
    xy, depth = camera.project(np.concatenate([joints, toes], axis=1))
    poses = simulate_detection(xy[:, :17], depth[:, :17], rng, 1.5, 0.0)
    scale = camera.focal_px / camera.distance
    return skeleton_maps(poses).maps, silhouettes(xy, scale, person, "normal")


def largest_errors(run: Run, network: GaitNetwork, advance: Advance = no_progress) -> Errors:
    """Run a network on synthetic walkers of each of `SHAPES`, and return its errors.

    Args:
        run: exported network.
        network: network in eval mode, on the CPU.
        advance: called with the number of comparisons finished since the last call.
    """
    errors = {}
    for n_sequences, n_frames in SHAPES:
        arrays = walker(n_sequences, n_frames, network.modalities)
        outputs = zip(run(arrays), _expected(network, arrays), strict=True)
        errors[n_sequences, n_frames] = max(_error(found, expected) for found, expected in outputs)
        advance(1)
    return errors


def _expected(network: GaitNetwork, arrays: Arrays) -> tuple[NDArray[np.float32], ...]:
    clips = [cut_columns(stack_modalities(clip, "walker"), "walker") for clip in zip(*arrays, strict=True)]
    frames = torch.from_numpy(np.concatenate(clips)).to(torch.float32, memory_format=torch.channels_last).div_(255)
    with torch.inference_mode():
        output = network(frames, [len(clip) for clip in clips])
    return output.embedding.numpy(), output.neck_embedding.numpy()


def _error(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    if found.shape != expected.shape:
        return float("inf")
    error = np.abs(found - expected).max() / np.abs(expected).max()
    return float(error) if np.isfinite(error) else float("inf")
