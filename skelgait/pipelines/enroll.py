"""Pipeline of `skelgait enroll`: sequences of a person, added to a gallery."""

from __future__ import annotations

import os
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skelgait.embeddings import EmbeddingFacts, open_embeddings
from skelgait.embeddings.extraction import collect_both, embed_in_rounds
from skelgait.embeddings.file import holds_embeddings
from skelgait.embeddings.gallery import Gallery, GalleryRows, Origin, open_gallery, write_gallery
from skelgait.errors import PathLike, SettingsError
from skelgait.matching.distances import Vectors
from skelgait.pipelines.gallery_changes import Similarities, different_keys, new_sequences, similarities_of
from skelgait.pipelines.gallery_network import check_same_embedding, load_gallery_network, warn_if_drawing_unknown
from skelgait.pipelines.probes import name_of, open_probes, select_keys
from skelgait.pipelines.trained_network import (
    embedding_facts,
    inference_options,
    load_trained_network,
    warn_if_maps_differ,
)
from skelgait.preprocess.lazy_maps import LazyMaps
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.process_group import is_main, process_group
from skelgait.sampling.fingerprint import arrays_sha256
from skelgait.settings import Settings
from skelgait.storage import Key, SequenceSource
from skelgait.storage.lock import lock_file
from skelgait.storage.names import check_key, name_problem
from skelgait.video.index import IndexedTrack
from skelgait.video.sources import stream_at


@dataclass(frozen=True)
class Enrollment:
    """Sequences that were added to a gallery.

    Attributes:
        gallery: path of the gallery.
        enrolled: added sequences, as they are named in the gallery.
        frames: number of frames of each of them.
        origins: origin of each of them.
        known: sequences at the path that were not added, because the person has them already.
        n_truncated: number of added sequences that were longer than `enroll.max_frames`.
        similar: what the added sequences resemble.
        n_people: number of people in the gallery now.
        n_sequences: number of sequences in the gallery now.
    """

    gallery: Path
    enrolled: list[Key]
    frames: list[int]
    origins: list[Origin]
    known: list[Key]
    n_truncated: int
    similar: Similarities
    n_people: int
    n_sequences: int


class _Input(NamedTuple):
    """Sequences at a path, before they are embedded.

    Attributes:
        facts: network and settings that embed them.
        keys: sequences.
        frames: number of frames of each.
        sha256: fingerprint of each.
        tracks: facts of the sequences that are from videos.
        is_single: True for one sequence without a dataset; its identity is the name of some folder.
        embed: function from indices of sequences to their embeddings 1 and 2 (n, D, S); None in other ranks.
    """

    facts: EmbeddingFacts
    keys: Sequence[Key]
    frames: Sequence[int]
    sha256: Sequence[str]
    tracks: Mapping[Key, IndexedTrack]
    is_single: bool
    embed: Callable[[Sequence[int]], tuple[Vectors, Vectors] | None]


def enroll_path(
    settings: Settings, path: PathLike, name: str | None = None, progress: Progress = silent_progress
) -> Enrollment | None:
    """Add the sequences at a path to a gallery; create it if it is missing.

    Sequences that the person has already are left out, so that the same call can be repeated.

    Args:
        settings: settings; the section `enroll` gives the gallery, the device and the checkpoint (default: that of the
            gallery), `identify` the distance to find near-duplicates by.
        path: sequence, pickle tree or HDF5 file of poses, maps or pairs; files of a pose estimator; video, folder of
            videos, number of a camera or address of a stream, which is read until it ends or Ctrl-C; or embedding file.
        name: name of the person; None: the identities at the path.
        progress: shows the frames of videos, and the embedded and compared sequences.

    Returns:
        Report in the process of rank 0; None in all others.

    Raises:
        DataError: if a file cannot be read or written, if the embeddings were made with another network or from other
            maps than those of the gallery, or if another process writes the gallery.
        CheckpointError: if there is no checkpoint, or if it is not that of the gallery.
        SettingsError: if the name cannot be used, or the path has several people for one name.
    """
    keep_freed_memory()
    _check_name(name)
    out = settings.enroll.gallery
    if Path(path).resolve() == out.resolve():
        expected = "sequences that are not in the gallery"
        raise SettingsError("PATH", f"the gallery {path} itself", expected, "pass another path, or another --gallery")
    with lock_file(out, process_group()):
        gallery = open_gallery(out) if out.exists() else None
        with _open_input(settings, path, gallery, progress) as given:
            _check_single(name, given, path)
            people = [Key(_name_of(key, name), key.condition, key.view) for key in given.keys]
            _check_people(name, given.keys, people, path)
            _check_videos(people, given, name_of(path))
            if gallery:
                check_same_embedding(out, gallery.facts, path, given.facts)
            new = new_sequences(people, given.sha256, gallery.rows if gallery else None)
            embedded = given.embed(new)
            if embedded is None:
                return None
            keys = different_keys([people[i] for i in new], gallery.rows.keys if gallery else [])
            origins = [_origin(path, given, i) for i in new]
            rows = GalleryRows(keys, [given.frames[i] for i in new], origins, *embedded)
        known = [key for i, key in enumerate(people) if i not in set(new)]
        return _add(settings, gallery, given.facts, rows, known, progress)


def _add(
    settings: Settings,
    gallery: Gallery | None,
    facts: EmbeddingFacts,
    rows: GalleryRows,
    known: list[Key],
    progress: Progress,
) -> Enrollment:
    """Write the gallery with further rows, and report."""
    out = settings.enroll.gallery
    if gallery:
        facts = replace(gallery.facts, drawn={**facts.drawn, **gallery.facts.drawn})
    if rows.keys:
        write_gallery(out, facts, [*([gallery.rows] if gallery else []), rows])
    everyone = open_gallery(out).rows.keys
    return Enrollment(
        gallery=out,
        enrolled=list(rows.keys),
        frames=list(rows.frames),
        origins=list(rows.origins),
        known=known,
        n_truncated=sum(n > facts.max_frames for n in rows.frames),
        similar=similarities_of(settings, out, set(rows.keys), progress),
        n_people=len({key.identity for key in everyone}),
        n_sequences=len(everyone),
    )


@contextmanager
def _open_input(settings: Settings, path: PathLike, gallery: Gallery | None, progress: Progress) -> Iterator[_Input]:
    if holds_embeddings(Path(path)):
        yield _read_embeddings(path, settings.enroll.sequence)
        return
    config = settings.enroll
    trained = (
        load_gallery_network(settings, config, gallery.path, gallery.facts)
        if gallery
        else load_trained_network(settings, config)
    )
    known = {**(trained.facts.data.get("drawn") or {}), **(gallery.facts.drawn if gallery else {})}
    with open_probes(path, config.sequence, trained.facts, settings, known, progress) as probes:
        source, keys, stored, tracks = probes
        if not isinstance(source, LazyMaps):
            warn_if_maps_differ(trained, source)
        drawn = probes.drawn()
        warn_if_drawing_unknown(path, drawn)

        def embed(indices: Sequence[int]) -> tuple[Vectors, Vectors] | None:
            selected = [keys[i] for i in indices]
            with progress(len(selected), "Embedding", "sequences") as advance:
                chunks = embed_in_rounds(trained.model, source, selected, inference_options(config), advance=advance)
                if not is_main():
                    deque(chunks, maxlen=0)
                    return None
                return collect_both(chunks, len(selected))

        sha256 = [arrays_sha256(stored.read(key)) for key in keys]
        facts = replace(embedding_facts(trained, source, config), source=_absolute(path), drawn=drawn)
        frames, is_single = [source.length(key) for key in keys], _is_single(Path(path), stored)
        yield _Input(facts, keys, frames, sha256, tracks, is_single, embed)


def _read_embeddings(path: PathLike, sequence: str | None) -> _Input:
    first, second = (open_embeddings(path, number) for number in (1, 2))
    keys = select_keys(first.keys, sequence, path)
    values = [file.select(keys).values for file in (first, second)]
    frames = dict(zip(first.keys, first.frames.tolist(), strict=True))
    sha256 = [arrays_sha256(np.asarray(vectors[np.array([i])]) for vectors in values) for i in range(len(keys))]

    def embed(indices: Sequence[int]) -> tuple[Vectors, Vectors] | None:
        rows = np.array(indices, np.int64)
        return (values[0][rows], values[1][rows]) if is_main() else None

    return _Input(first.facts, keys, [frames[key] for key in keys], sha256, {}, False, embed)


def _check_name(name: str | None) -> None:
    problem = None if name is None else name_problem(name)
    if problem:
        expected = "a name of visible characters, without slashes, of at most 200 bytes"
        raise SettingsError("--name", problem, expected, "use another name, for example --name anna")


def _is_single(path: Path, stored: SequenceSource) -> bool:
    """Return True for a pickle file, and for the folder of one sequence."""
    if path.is_file():
        return path.suffix == ".pkl"
    # Files of a pose estimator are in a tree elsewhere.
    return any(path.glob("*.pkl")) and stored.path in Path(os.path.abspath(path)).parents  # noqa: PTH100


def _check_single(name: str | None, given: _Input, path: PathLike) -> None:
    if name is None and given.is_single:
        expected = "a name: one sequence does not tell whose it is"
        raise SettingsError("--name", f"none for {path}", expected, "pass the name of the person, as --name anna")


def _name_of(key: Key, name: str | None) -> str:
    # The same name may be spelled with composed and with separate accents, as macOS names folders.
    return unicodedata.normalize("NFC", key.identity if name is None else name)


def _check_people(name: str | None, keys: Sequence[Key], people: Sequence[Key], path: PathLike) -> None:
    for key in people:
        check_key(key, f"{path}: {key}", "pass another --name")
    identities = sorted({key.identity for key in keys})
    if name is not None and len(identities) > 1:
        found = f"{name} for {len(identities)} people ({', '.join(identities[:3])}{', ...' if identities[3:] else ''})"
        hint = "leave out --name to use these names, or pass the folder of one person, or --sequence"
        raise SettingsError("--name", found, f"sequences of one person in {path}", hint)


def _check_videos(people: Sequence[Key], given: _Input, path: PathLike) -> None:
    """Refuse several people of one video under one name."""
    groups: dict[tuple[str, str], list[Key]] = {}
    for key, person in zip(given.keys, people, strict=True):
        if key in given.tracks:
            groups.setdefault((person.identity, given.tracks[key].video), []).append(key)
    for (name, _), keys in groups.items():
        if len(keys) > 1:
            found = f"{len(keys)} tracks ({', '.join(map(str, keys[:3]))}{', ...' if keys[3:] else ''}) for {name}"
            hint = f"pass one, as --sequence {keys[0]}; the numbers are in the previews of `skelgait video --preview`"
            raise SettingsError(path, found, "one track for each name", hint)


def _origin(path: PathLike, given: _Input, index: int) -> Origin:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    source = f"{_absolute(path)}: {given.keys[index]}"
    return Origin(source, given.sha256[index], given.facts.checkpoint, now)


def _absolute(path: PathLike) -> str:
    """Return the absolute path, or the address of a stream without user and password."""
    return name_of(path) if stream_at(os.fspath(path)) else str(Path(path).resolve())
