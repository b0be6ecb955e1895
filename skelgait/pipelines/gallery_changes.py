"""Rules for adding sequences to a gallery: what is known already, how it is named, and what it resembles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from skelgait.embeddings import open_embeddings
from skelgait.embeddings.gallery import GalleryRows
from skelgait.evaluation.leave_one_out import NearDuplicate, near_duplicates, search_gallery
from skelgait.matching.options import MatchingOptions
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.settings import Settings
from skelgait.storage import Key


def new_sequences(keys: Sequence[Key], sha256: Sequence[str], rows: GalleryRows | None) -> list[int]:
    """Return the indices of sequences that their person does not have yet.

    Args:
        keys: sequences; the identity is the name of the person.
        sha256: fingerprint of each; empty: unknown, the sequence counts as new.
        rows: rows of the gallery; None: it is empty.
    """
    seen = set[tuple[str, str]]()
    if rows:
        seen |= {(key.identity, origin.sha256) for key, origin in zip(rows.keys, rows.origins, strict=True)}
    new = []
    for i, (key, digest) in enumerate(zip(keys, sha256, strict=True)):
        if not digest or (key.identity, digest) not in seen:
            seen.add((key.identity, digest))
            new.append(i)
    return new


def different_keys(keys: Sequence[Key], used: Sequence[Key]) -> list[Key]:
    """Return keys that differ from each other and from those in use: the view of a repeated key gets a number."""
    taken, different = set(used), list[Key]()
    for key in keys:
        number, candidate = 2, key
        while candidate in taken:
            candidate, number = key._replace(view=f"{key.view}-{number}"), number + 1
        taken.add(candidate)
        different.append(candidate)
    return different


@dataclass(frozen=True)
class Similarities:
    """Sequences of a gallery that are alike.

    Attributes:
        near_duplicates: pairs of sequences of two people that resemble each other.
        repeats: pairs of sequences of one person that are nearly equal, perhaps the same walk.
    """

    near_duplicates: list[NearDuplicate] = field(default_factory=list)
    repeats: list[tuple[Key, Key]] = field(default_factory=list)


def similarities_of(
    settings: Settings, gallery: Path, keys: Collection[Key], progress: Progress = silent_progress
) -> Similarities:
    """Return what some sequences of a gallery resemble, compared as `skelgait identify` compares.

    Args:
        settings: settings; the section `identify` gives distance, embedding and memory.
        gallery: path of the gallery.
        keys: sequences to search for.
        progress: shows the progress of the comparison.

    Raises:
        DataError: if the gallery cannot be read.
    """
    if not keys:
        return Similarities()
    file = open_embeddings(gallery, settings.identify.embedding)
    indices = np.array([i for i, key in enumerate(file.keys) if key in keys], np.int64)
    options = MatchingOptions(settings.identify.distance, memory_mb=settings.identify.memory_mb)
    with progress(len(indices), "Comparing", "sequences") as advance:
        search = search_gallery(file.select(file.keys), options, indices, advance)
    return Similarities(near_duplicates(search), search.repeats)
