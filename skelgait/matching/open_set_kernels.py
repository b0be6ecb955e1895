"""Compiled loop that searches for the nearest people in several enrollments, on all cores of the CPU."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@njit(cache=True, parallel=True, error_model="numpy")
def search_people(
    distances: Floats,
    people: Integers,
    column_people: Integers,
    first_column: int,
    enrolled: NDArray[np.bool_],
    mates: Floats,
    mate_columns: Integers,
    others: Floats,
    other_columns: Integers,
) -> None:
    """Update the nearest entry of the own person of each row, and of all others in each enrollment.

    Of columns at equal distance the first one counts.

    Args:
        distances: (p, g) distances of further columns; infinite: not compared.
        people: (p,) person of each row, as an index into the columns of `enrolled`; -1: none of them.
        column_people: (g,) person of each of these columns.
        first_column: index of the first of these columns.
        enrolled: (d, people) True for the people of each of d enrollments.
        mates: (p,) smallest distance to the own person so far, updated in place; infinite: none.
        mate_columns: (p,) column of that distance, updated in place.
        others: (p, d) smallest distance to another person who is enrolled, updated in place; infinite: none.
        other_columns: (p, d) column of that distance, updated in place.
    """
    n_people = enrolled.shape[1]
    for i in prange(len(distances)):
        row = distances[i]
        nearest, columns = np.full(n_people, np.inf, np.float32), np.zeros(n_people, np.int64)
        for j in range(len(row)):
            person = column_people[j]
            if row[j] < nearest[person]:
                nearest[person], columns[person] = row[j], first_column + j
        mate = people[i]
        if mate >= 0:
            if nearest[mate] < mates[i]:
                mates[i], mate_columns[i] = nearest[mate], columns[mate]
            nearest[mate] = np.inf
        for d in range(len(enrolled)):
            for person in range(n_people):
                if not enrolled[d, person] or nearest[person] == np.inf:
                    continue
                is_tie = nearest[person] == others[i, d]
                if nearest[person] < others[i, d] or (is_tie and columns[person] < other_columns[i, d]):
                    others[i, d], other_columns[i, d] = nearest[person], columns[person]
