"""The sequences at a path, as a network takes them: maps, pairs, or poses that are drawn on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from skelgait.drawn import DrawnMaps
from skelgait.errors import DataError, SettingsError
from skelgait.poses import collect_poses, open_raw
from skelgait.settings import Settings
from skelgait.settings.schema import CollectSettings, HeatmapSettings
from skelgait.storage import Key, SequenceSource, open_any, open_source
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
        if sequence is not None:
            probes = Probes(probes.source, [_named(sequence, probes, path)])
        yield Probes(_as_inputs(probes.source, network, settings.heatmap, drawn), probes.keys)


def _found(path: Path, folder: Path) -> Probes:
    if not path.exists():
        raise DataError(path, "no such file or folder", "sequences to identify", "check the path")
    single = open_sequence(path)
    if single is not None:
        return Probes(single[0], [single[1]])
    try:
        source = open_any(path)
    except DataError as error:
        # Perhaps what a pose estimator wrote; if it is not, the first error says more.
        try:
            raw = open_raw(path)
        except (DataError, SettingsError):
            raise error from None
        report = collect_poses(raw, folder / "poses", CollectSettings(workers=1))
        if report.failed:
            key, reason = report.failed[0]
            raise DataError(path, f"{key}: {reason}", "poses", "see `skelgait inspect`") from None
        source = open_source(folder / "poses", "pose")
    return Probes(source, source.keys)


def _named(sequence: str, probes: Probes, path: Path) -> Key:
    for key in probes.keys:
        if str(key) == sequence:
            return key
    mend = f"give identity/condition/view, for example {probes.keys[0]}"
    raise SettingsError("--sequence", sequence, f"a sequence in {path}", mend)


def _as_inputs(
    source: SequenceSource, network: str, heatmap: HeatmapSettings, drawn: Mapping[str, Any]
) -> SequenceSource:
    wanted = ("map",) if network == "skeletongait" else ("map", "silhouette")
    if source.modalities == wanted:
        return source
    if source.modalities == ("pose",) and wanted == ("map",):
        known = {name: value for name, value in drawn.items() if name in HeatmapSettings.model_fields}
        return DrawnMaps(source, heatmap.model_copy(update=known))
    found = " and ".join(f"{modality}s" for modality in source.modalities)
    expected = "poses or maps" if wanted == ("map",) else "linked pairs of maps and silhouettes"
    mend = "make them with `skelgait heatmap` and `skelgait link`"
    raise DataError(source.path, found, f"{expected}, which {network} takes", mend)
