"""Random numbers that depend on nothing but what they are for."""

from __future__ import annotations

import numpy as np


def rng_for(seed: int, *place: int) -> np.random.Generator:
    """The random numbers of one place, such as an iteration and a position in its batch.

    Draws are a function of `seed` and `place` alone: any process or worker makes the same ones, in any order, and a
    resumed training makes those of an uninterrupted one.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=place)))
