"""Random numbers that depend only on a seed and a position."""

from __future__ import annotations

import numpy as np


def rng_for(seed: int, *position: int) -> np.random.Generator:
    """Return the random generator for a position, such as an iteration and an index in its batch.

    The numbers are a function of `seed` and `position` alone. They do not depend on the number or order of processes
    and workers, and a resumed training draws the same ones as an uninterrupted training.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=position)))
