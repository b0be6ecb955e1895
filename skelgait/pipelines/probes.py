"""The sequences at a path, as a network takes them: maps, pairs, or poses that are drawn on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pydantic import ValidationError

from skelgait.errors import DataError, SettingsError
from skelgait.models import network_class
from skelgait.preprocess.lazy_maps import LazyMaps
from skelgait.preprocess.poses import collect_poses
from skelgait.raw.poses import open_raw
from skelgait.settings import Settings
from skelgait.settings.schema import HeatmapSettings, PosesSettings
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_any, open_source
from skelgait.storage.arrays import read_pickled_array
from skelgait.storage.opening import open_sequence


class Probes(NamedTuple):
    """Sequences to be embedded.

    Attributes:
        source: where they lie.
        keys: which of it.
    """

    source: SequenceSource
    keys: Sequence[Key]


@contextmanager
def open_probes(
    path: Path, sequence: str | None, network: str, settings: Settings, drawn: Mapping[str, Any]
) -> Iterator[Probes]:
    """Open what lies at a path: a sequence, a tree or a store of maps, pairs or poses, or an estimator's own files.

    Args:
        path: where to look.
        sequence: identity/condition/view of the one that is wanted; all where None.
        network: the network that takes them.
        settings: how poses are drawn, where `drawn` does not say.
        drawn: how the maps were drawn that the network was trained on, as far as it is known.

    Raises:
        DataError: nothing readable lies there, or not what the network takes.
        SettingsError: there is no such sequence.
    """
    with TemporaryDirectory() as folder:
        probes = _found(path, Path(folder))
        keys = chosen_keys(probes.keys, sequence, path)
        yield Probes(_as_inputs(probes.source, network, settings.heatmap, drawn, path), keys)


def chosen_keys(keys: Sequence[Key], sequence: str | None, path: Path) -> Sequence[Key]:
    """The one key that is wanted, identity/condition/view, or all of `keys` where None.

    Raises:
        SettingsError: there is no such sequence at `path`.
    """
    chosen = keys if sequence is None else [key for key in keys if str(key) == sequence]
    if sequence is not None and not chosen:
        hint = f"give identity/condition/view, for example {keys[0]}" if keys else "embed some"
        raise SettingsError("--sequence", sequence, f"a sequence in {path}", hint)
    return chosen


def _found(path: Path, folder: Path) -> Probes:
    if not path.exists():
        raise DataError(path, "no such file or folder", "sequences to identify", "check the path")
    try:
        single = open_sequence(path)
        if single is not None:
            return Probes(single[0], [single[1]])
        part = _part_of_tree(path)
        if part is not None:
            return part
        source = open_any(path)
    except DataError as error:
        # Perhaps what a pose estimator wrote; if it is not, the first error says more.
        other = _collected(path, folder) or _lone_file(path, folder)
        if other is None:
            hint = f"ask `skelgait inspect {path}` what is there"
            raise DataError(path, f"no sequence ({error})", "poses, maps, pairs or embeddings", hint) from error
        source = other
    return Probes(source, source.keys)


def _part_of_tree(path: Path) -> Probes | None:
    """The sequences of a person, or of a condition, whose folder in a tree a path is; None for other paths."""
    # A sequence is called as its folders are, wherever links may lead.
    folder = Path(os.path.abspath(path))  # noqa: PTH100
    for depth, files in ((2, "*/*.pkl"), (1, "*/*/*.pkl")):
        if folder.is_dir() and any(folder.glob(files)):
            root = folder.parents[depth - 1]
            source = open_any(root, only=folder)
            return Probes(source, [key for key in source.keys if root.joinpath(*key[:depth]) == folder])
    return None


def _collected(path: Path, folder: Path) -> SequenceSource | None:
    """The poses that a pose estimator wrote, as a tree in `folder`; None where there are none."""
    try:
        raw = open_raw(path)
    except (DataError, SettingsError):
        return None
    report = collect_poses(raw, folder / "poses", PosesSettings(workers=1))
    if report.failed:
        key, reason = report.failed[0]
        raise DataError(path, f"{key}: {reason}", "poses", "see `skelgait inspect`") from None
    return open_source(folder / "poses", "pose")


def _lone_file(path: Path, folder: Path) -> SequenceSource | None:
    """The sequence in a file that lies in no tree, as one in `folder`; None for paths of anything else.

    It is called by the file's name; a person and a condition of its own it has not.
    """
    if path.suffix != ".pkl" or not path.is_file():
        return None
    PickleTreeWriter(folder / "lone").write(Key("000", "00", path.stem), read_pickled_array(path))
    try:
        return open_any(folder / "lone")
    except DataError as error:
        raise DataError(path, error.found, error.expected, "check the file") from None


def _as_inputs(
    source: SequenceSource, network: str, heatmap: HeatmapSettings, drawn: Mapping[str, Any], path: Path
) -> SequenceSource:
    wanted = network_class(network).modalities
    if source.modalities == wanted:
        return source
    if source.modalities == ("pose",) and wanted == ("map",):
        known = {name: value for name, value in drawn.items() if name in HeatmapSettings.model_fields}
        try:
            return LazyMaps(source, HeatmapSettings.model_validate({**heatmap.model_dump(), **known}))
        except ValidationError as error:
            found = f"maps drawn in a way that there is not ({error.errors()[0]['msg']})"
            raise DataError("the gallery", found, "settings of `skelgait heatmap`", "embed it again") from error
    found = " and ".join(f"{modality}s" for modality in source.modalities)
    expected = "poses or maps" if wanted == ("map",) else "linked pairs of maps and silhouettes"
    hint = "name these" if wanted == ("map",) else "make them with `skelgait heatmap` and `skelgait link`"
    raise DataError(path, found, f"{expected}, which {network} takes", hint)
