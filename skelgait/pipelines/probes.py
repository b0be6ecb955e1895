"""Probe sequences at a path: maps, pairs, or poses, which are drawn as maps on the fly."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pydantic import ValidationError

from skelgait.embeddings.model import NetworkFacts
from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.pipelines.video_probes import holds_videos, is_video, pairs_of_people, read_people, usable_keys
from skelgait.preprocess.lazy_maps import LazyMaps
from skelgait.preprocess.poses import collect_poses
from skelgait.raw.poses import open_raw
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.sampling.fingerprint import how_drawn
from skelgait.settings import Settings
from skelgait.settings.schema import HeatmapSettings, PosesSettings
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_any, open_source
from skelgait.storage.arrays import read_pickled_array
from skelgait.storage.opening import open_sequence
from skelgait.video.index import IndexedTrack, read_tracks
from skelgait.video.sources import stream_at


class Probes(NamedTuple):
    """Sequences to embed.

    Attributes:
        source: source of the sequences, as the network takes them.
        keys: sequences to use.
        stored: source of the same sequences as they are stored: poses are not drawn.
        tracks: facts of the sequences that are from videos.
    """

    source: SequenceSource
    keys: Sequence[Key]
    stored: SequenceSource
    tracks: Mapping[Key, IndexedTrack]

    def drawn(self) -> dict[str, Any]:
        """Return the settings that the maps are drawn with, as far as known, see `how_drawn`."""
        if isinstance(self.source, LazyMaps):
            return self.source.drawing
        return how_drawn(self.source) or {}


@contextmanager
def open_probes(
    path: PathLike,
    sequence: str | None,
    network: NetworkFacts,
    settings: Settings,
    drawn: Mapping[str, Any],
    progress: Progress = silent_progress,
) -> Iterator[Probes]:
    """Open the sequences at a path.

    Args:
        path: sequence, pickle tree or HDF5 file of maps, pairs or poses; files of a pose estimator; or video, folder of
            videos, number of a camera or address of a stream.
        sequence: identity/condition/view of one sequence; None: all.
        network: facts about the network.
        settings: drawing settings for poses, unless `drawn` gives them.
        drawn: drawing settings of the training maps, as far as they are known.
        progress: shows the frames of videos.

    Yields:
        Sequences in the form that the network takes.

    Raises:
        DataError: if nothing can be read at the path, if it does not fit the network, or if all people in a video are
            too small or seen too shortly.
        SettingsError: if there is no such sequence, or if the pose estimator of videos is not installed.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        stored, all_keys = _open(path, folder, settings, progress)
        where, tracks = name_of(path), read_tracks(stored.path)
        config = drawing_settings(settings.heatmap, drawn)
        source = _to_network_inputs(stored, network, config, where, folder)
        keys = usable_keys(select_keys(all_keys, sequence, where), tracks, where)
        yield Probes(source, keys, stored, {key: tracks[key] for key in keys if key in tracks})


def name_of(path: PathLike) -> str:
    """Return a path for messages and files: the address of a stream without user and password."""
    stream = stream_at(os.fspath(path))
    return stream.name if stream else os.fspath(path)


def select_keys(keys: Sequence[Key], sequence: str | None, path: PathLike) -> Sequence[Key]:
    """Return the key of one sequence, or all keys.

    Args:
        keys: existing sequences.
        sequence: identity/condition/view; None: all.
        path: path of the sequences, for error messages.

    Raises:
        SettingsError: if there is no such sequence.
    """
    if sequence is None:
        return keys
    selected = [key for key in keys if str(key) == sequence]
    if not selected:
        hint = f"give identity/condition/view, for example {keys[0]}" if keys else "choose a path with sequences"
        raise SettingsError("--sequence", sequence, f"a sequence in {path}", hint)
    return selected


def _open(
    location: PathLike, folder: Path, settings: Settings, progress: Progress
) -> tuple[SequenceSource, Sequence[Key]]:
    path = Path(location)
    if stream_at(os.fspath(location)) or is_video(path):
        source = read_people(os.fspath(location), folder, settings, progress)
        return source, source.keys
    if not path.exists():
        raise DataError(path, "no such file or folder", "sequences to identify", "check the path")
    try:
        single = open_sequence(path)
        if single is not None:
            return single[0], [single[1]]
        subtree = _open_subtree(path)
        if subtree is not None:
            return subtree
        source = open_any(path)
    except DataError as error:
        # The path may have files of a pose estimator. If it has not, the first error is more helpful.
        raw_source = _open_raw_poses(path, folder) or _open_single_file(path, folder)
        if raw_source is None and holds_videos(path):
            raw_source = read_people(os.fspath(path), folder, settings, progress)
        if raw_source is None:
            hint = f"see `skelgait inspect {path}`"
            raise DataError(path, f"no sequence ({error})", "poses, maps, pairs, embeddings or videos", hint) from error
        source = raw_source
    return source, source.keys


def _open_subtree(path: Path) -> tuple[SequenceSource, Sequence[Key]] | None:
    """Return the sequences in the folder of an identity or of a condition in a pickle tree; None for other paths."""
    # Keys are folder names, therefore symbolic links are not resolved.
    folder = Path(os.path.abspath(path))  # noqa: PTH100
    for depth, files in ((2, "*/*.pkl"), (1, "*/*/*.pkl")):
        if folder.is_dir() and any(folder.glob(files)):
            root = folder.parents[depth - 1]
            source = open_any(root, only=folder)
            return source, [key for key in source.keys if root.joinpath(*key[:depth]) == folder]
    return None


def _open_raw_poses(path: Path, folder: Path) -> SequenceSource | None:
    """Return the poses in files of a pose estimator, as a pickle tree in `folder`; None if there are none."""
    try:
        raw = open_raw(path)
    except (DataError, SettingsError):
        return None
    if path.is_file() and raw.layout.name == "pickles":
        return None  # opened as a single file
    report = collect_poses(raw, folder / "poses", PosesSettings(workers=1))
    if report.failed:
        key, reason = report.failed[0]
        raise DataError(path, f"{key}: {reason}", "poses", "see `skelgait inspect`") from None
    return open_source(folder / "poses", "pose")


def _open_single_file(path: Path, folder: Path) -> SequenceSource | None:
    """Return the sequence in a pickle file outside a tree, as a tree in `folder`; None for other paths.

    The view is the name of the file. Identity and condition are placeholders.
    """
    if path.suffix != ".pkl" or not path.is_file():
        return None
    PickleTreeWriter(folder / "single").write(Key("000", "00", path.stem), read_pickled_array(path))
    try:
        return open_any(folder / "single")
    except DataError as error:
        raise DataError(path, error.found, error.expected, "check the file") from None


def drawing_settings(heatmap: HeatmapSettings, drawn: Mapping[str, Any]) -> HeatmapSettings:
    """Return the settings to draw poses with: those of the training maps, as far as they are known.

    Raises:
        DataError: if those are invalid.
    """
    known = {name: value for name, value in drawn.items() if name in HeatmapSettings.model_fields}
    try:
        return HeatmapSettings.model_validate({**heatmap.model_dump(), **known})
    except ValidationError as error:
        found, hint = f"invalid drawing settings ({error.errors()[0]['msg']})", "embed the gallery again"
        raise DataError("the gallery", found, "settings of `skelgait heatmap`", hint) from error


def _to_network_inputs(
    source: SequenceSource, network: NetworkFacts, config: HeatmapSettings, path: PathLike, folder: Path
) -> SequenceSource:
    modalities = network.modalities
    if source.modalities == modalities:
        return source
    if source.modalities == ("pose",) and modalities == ("map",):
        return LazyMaps(source, config)
    if source.modalities == ("pose",) and (pairs := pairs_of_people(source, folder, config)):
        return pairs
    found = " and ".join(f"{modality}s" for modality in source.modalities)
    expected, hint = "poses or maps", "give the path of poses or maps"
    if modalities != ("map",):
        expected, hint = "linked pairs of maps and silhouettes", "make them with `skelgait heatmap` and `skelgait link`"
    raise DataError(path, found, f"{expected} for {network.network}", hint)
