"""Pipeline of `skelgait gallery`: list, remove, merge and check the sequences of a gallery."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from skelgait.embeddings import open_embeddings
from skelgait.embeddings.gallery import Gallery, GalleryRows, GalleryThreshold, open_gallery, write_gallery
from skelgait.errors import DataError, ProtocolError, SettingsError
from skelgait.evaluation.leave_one_out import near_duplicates, search_gallery
from skelgait.evaluation.threshold import Threshold, learn_gallery_threshold
from skelgait.matching.options import MatchingOptions
from skelgait.pipelines.gallery_changes import Similarities, different_keys, new_sequences, similarities_of
from skelgait.pipelines.gallery_network import check_same_embedding
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.settings import Settings
from skelgait.storage import Key
from skelgait.storage.lock import lock_file

_MAX_NAMES = 10


@dataclass(frozen=True)
class GalleryChange:
    """Sequences that were removed from a gallery, or added by a merge.

    Attributes:
        gallery: path of the gallery.
        sequences: removed or added sequences.
        known: sequences that were not added, because the person has them already.
        shared_names: people of the gallery who are in a merged one too, and were taken for the same.
        n_people: number of people in the gallery now.
        n_sequences: number of sequences in the gallery now.
        similar: what the added sequences resemble.
    """

    gallery: Path
    sequences: list[Key]
    known: list[Key]
    shared_names: list[str]
    n_people: int
    n_sequences: int
    similar: Similarities = field(default_factory=Similarities)


@dataclass(frozen=True)
class GalleryCheck:
    """Threshold that was learned from a gallery.

    Attributes:
        gallery: path of the gallery.
        threshold: threshold, as stored in the gallery.
        learned: threshold with all its error rates.
        n_people: number of people.
        single: people with one walk; nothing tells if they would be identified.
        similar: sequences that resemble each other.
    """

    gallery: Path
    threshold: GalleryThreshold
    learned: Threshold
    n_people: int
    single: list[str]
    similar: Similarities


def remove_from_gallery(path: Path, names: Sequence[str]) -> GalleryChange:
    """Remove people or sequences from a gallery: all that are named, or nothing after an error.

    Args:
        path: path of the gallery.
        names: names of people, or sequences as identity/condition/view.

    Raises:
        DataError: if there is no such person or sequence, or if the gallery cannot be read or written.
        SettingsError: if there is no name.
    """
    if not names:
        hint = f"skelgait gallery list {shlex.quote(str(path))} shows them"
        raise SettingsError("gallery remove", "no name", "people or sequences to remove", hint)
    with lock_file(path):
        gallery = open_gallery(path)
        keys = gallery.rows.keys
        removed = {index for name in names for index in _find(path, keys, unicodedata.normalize("NFC", name))}
        kept = np.array([i for i in range(len(keys)) if i not in removed], np.int64)
        write_gallery(path, gallery.facts, [gallery.rows.select(kept)])
    remaining = [keys[i] for i in kept]
    return GalleryChange(
        gallery=path,
        sequences=[keys[i] for i in sorted(removed)],
        known=[],
        shared_names=[],
        n_people=len(_people(remaining)),
        n_sequences=len(remaining),
    )


def _find(path: Path, keys: Sequence[Key], name: str) -> list[int]:
    indices = [i for i, key in enumerate(keys) if name in (key.identity, str(key))]
    if not indices:
        people = _people(keys)
        names = f"{', '.join(people[:_MAX_NAMES])}{', ...' if people[_MAX_NAMES:] else ''}" or "nobody"
        hint = f"see `skelgait gallery list {shlex.quote(str(path))}`"
        raise DataError(path, f"no person or sequence {name}", f"one in this gallery ({names})", hint)
    return indices


def merge_galleries(
    settings: Settings, path: Path, others: Sequence[Path], progress: Progress = silent_progress
) -> GalleryChange:
    """Add all sequences of other galleries to a gallery. People of the same name are taken for one person.

    Args:
        settings: settings; the section `identify` gives the distance to find near-duplicates by.
        path: gallery to add to.
        others: galleries or embedding files; they stay as they are.
        progress: shows the progress of the comparison.

    Raises:
        DataError: if one cannot be read or written, or was made with another network or from other maps.
        SettingsError: if there is no other gallery.
    """
    if not others:
        hint = f"pass them after {shlex.quote(str(path))}"
        raise SettingsError("gallery merge", "no other gallery", "galleries to add", hint)
    with lock_file(path):
        gallery = open_gallery(path)
        added, known, facts = list[GalleryRows](), list[Key](), gallery.facts
        for other in map(open_gallery, others):
            check_same_embedding(path, facts, other.path, other.facts)
            facts = replace(facts, drawn={**other.facts.drawn, **facts.drawn})
            rows, known_rows = _new_rows([gallery.rows, *added], other)
            added.append(rows)
            known += known_rows
        write_gallery(path, facts, [gallery.rows, *added])
    keys = [key for rows in added for key in rows.keys]
    everyone = [*gallery.rows.keys, *keys]
    return GalleryChange(
        gallery=path,
        sequences=keys,
        known=known,
        shared_names=sorted(set(_people(gallery.rows.keys)) & set(_people(keys))),
        n_people=len(_people(everyone)),
        n_sequences=len(everyone),
        similar=similarities_of(settings, path, set(keys), progress),
    )


def _new_rows(existing: Sequence[GalleryRows], other: Gallery) -> tuple[GalleryRows, list[Key]]:
    """Return the rows of another gallery that are new, under names that differ, and the keys of those that are not."""
    keys = other.rows.keys
    new = list(range(len(keys)))
    for rows in existing:
        fresh = set(new_sequences(keys, [origin.sha256 for origin in other.rows.origins], rows))
        new = [i for i in new if i in fresh]
    rows = other.rows.select(np.array(new, np.int64))
    used = [key for group in existing for key in group.keys]
    return replace(rows, keys=different_keys(rows.keys, used)), [key for i, key in enumerate(keys) if i not in set(new)]


def check_gallery(settings: Settings, path: Path, progress: Progress = silent_progress) -> GalleryCheck:
    """Learn the threshold of a gallery from its own sequences, and store it in the gallery.

    Args:
        settings: settings; the section `identify` gives the distance, the embedding and the target false accept rate.
        path: path of the gallery.
        progress: shows the progress of the comparison.

    Raises:
        DataError: if the gallery cannot be read or written.
        ProtocolError: if it has fewer than two people.
    """
    config = settings.identify
    with lock_file(path):
        gallery, file = open_gallery(path), open_embeddings(path, config.embedding)
        people = _people(file.keys)
        if len(people) < 2:
            hint = f"add another with `skelgait enroll PATH --name NAME --gallery {shlex.quote(str(path))}`"
            found = "1 person" if people else "0 people"
            raise ProtocolError(path, found, "at least two people, to learn a threshold", hint)
        options = MatchingOptions(config.distance, memory_mb=config.memory_mb)
        with progress(len(file.keys), "Comparing", "sequences") as advance:
            search = search_gallery(file.select(file.keys), options, advance=advance)
        learned = learn_gallery_threshold(search, config.false_accept)
        threshold = GalleryThreshold(
            value=learned.distance,
            distance=config.distance,
            embedding=file.embedding,
            target=config.false_accept,
            false_accepts=learned.false_accepts,
            n_impostors=learned.n_impostors,
            learned=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        write_gallery(path, gallery.facts, [gallery.rows], threshold)
    tested = {key.identity for key, mate in zip(file.keys, search.nearest.mates, strict=True) if np.isfinite(mate)}
    single = [name for name in people if name not in tested]
    similar = Similarities(near_duplicates(search), search.repeats)
    return GalleryCheck(path, threshold, learned, len(people), single, similar)


def _people(keys: Sequence[Key]) -> list[str]:
    return sorted({key.identity for key in keys})
