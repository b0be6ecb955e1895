"""Metadata of a dataset folder: what the sequences were made from and how."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from skelgait import __version__
from skelgait.errors import SettingsError, reading
from skelgait.storage.atomic import write_text
from skelgait.storage.backends import BACKENDS
from skelgait.storage.format_version import check_format
from skelgait.storage.source import Modality

METADATA_FILE = "skelgait.json"
FORMAT = 1
_SUM = "sha256"


class DatasetMetadata(NamedTuple):
    """Metadata of a dataset.

    Attributes:
        source: path that the sequences were made from.
        settings: settings that they were made with.
        is_being_cleared: True while sequences made with earlier settings are being removed.
        facts: further facts about the source, for example the number of `joints` of its poses.
        holds_others: True if the folder held sequences without metadata before; they may have another source.
        source_settings: settings that the sequences of the source were made with; None: unknown.
        has_sum: True if the file has a checksum, which is compared on reading.
    """

    source: str
    settings: Mapping[str, object]
    is_being_cleared: bool = False
    facts: Mapping[str, object] = {}
    holds_others: bool = False
    source_settings: Mapping[str, object] | None = None
    has_sum: bool = True


def prepare_folder(folder: Path, metadata: DatasetMetadata, modality: Modality, *, overwrite: bool, hint: str) -> bool:
    """Write the metadata of a dataset that is about to be written.

    Args:
        folder: folder of the dataset.
        metadata: metadata of the sequences to write.
        modality: modality of the sequences.
        overwrite: remove existing sequences first.
        hint: hint of the error about existing sequences.

    Returns:
        True if all existing sequences were made from this source, or there are none; False if some may not: if they
        were written without metadata, or from a source that is gone.

    Raises:
        SettingsError: if existing sequences were made with other settings or from another source.
        DataError: if `folder` cannot be written, or its metadata are damaged.
    """
    existing = None if overwrite else read_metadata(folder)
    holds_sequences = folder.is_dir() and any(backend.holds(folder) for backend in BACKENDS.values())
    if holds_sequences:
        if existing and not existing.is_being_cleared:
            _check_same(folder, existing, metadata, hint)
            return existing.source == metadata.source and not existing.holds_others
        if overwrite or existing:
            write_metadata(folder, metadata._replace(is_being_cleared=True))
            remove_sequences(folder, modality)
    holds_others = holds_sequences and not overwrite and existing is None
    write_metadata(folder, metadata._replace(holds_others=holds_others))
    return not holds_others


def remove_sequences(folder: Path, modality: Modality) -> None:
    """Remove all sequences of a modality in a folder, in every storage; other files are kept.

    Raises:
        DataError: if a file cannot be removed.
    """
    for backend in BACKENDS.values():
        backend.remove(folder, modality)


def read_metadata(folder: Path) -> DatasetMetadata | None:
    """Read the metadata of a folder; None if it has none.

    Raises:
        DataError: if the metadata are damaged, or were written by a newer skelgait.
    """
    path = folder / METADATA_FILE
    if not path.is_file():
        return None
    hint = "write the sequences of this folder again with --overwrite, or into another folder"
    with reading(path, "metadata of a dataset", hint, "a damaged file", (KeyError, TypeError, AttributeError)):
        content = json.loads(path.read_text(encoding="utf-8"))
        check_format(path, content.get("format"), FORMAT)
        sha256 = content.pop(_SUM, None)
        if sha256 not in (None, _sha256(content)):
            raise ValueError("content that differs from its checksum")
        is_being_cleared, facts = bool(content.get("is_being_cleared")), dict(content.get("facts", {}))
        return DatasetMetadata(
            str(content["source"]),
            dict(content["settings"]),
            is_being_cleared,
            facts,
            bool(content.get("holds_others")),
            dict(content["source_settings"]) if "source_settings" in content else None,
            has_sum=sha256 is not None,
        )


def write_metadata(folder: Path, metadata: DatasetMetadata) -> None:
    """Write the metadata of a folder.

    Raises:
        DataError: if the file cannot be written.
    """
    content: dict[str, object] = {
        "format": FORMAT,
        "version": __version__,
        "source": metadata.source,
        "settings": metadata.settings,
    }
    if metadata.facts:
        content["facts"] = metadata.facts
    if metadata.source_settings is not None:
        content["source_settings"] = metadata.source_settings
    if metadata.is_being_cleared:
        content["is_being_cleared"] = True
    if metadata.holds_others:
        content["holds_others"] = True
    content[_SUM] = _sha256(content)
    write_text(folder / METADATA_FILE, json.dumps(content, indent=1) + "\n")


def _sha256(content: Mapping[str, object]) -> str:
    """Return the SHA-256 of metadata, independent of spaces and order."""
    as_read = json.loads(json.dumps(content))
    return hashlib.sha256(json.dumps(as_read, sort_keys=True).encode()).hexdigest()


def _check_same(folder: Path, existing: DatasetMetadata, metadata: DatasetMetadata, hint: str) -> None:
    _refuse_differences(folder, "sequences made with", existing.settings, metadata.settings, hint)
    if existing.source_settings is not None and metadata.source_settings is not None:
        before, now = existing.source_settings, metadata.source_settings
        _refuse_differences(folder, f"sequences of {metadata.source} when it was made with", before, now, hint)
    # A source whose old path is gone was moved: it counts as the same.
    if Path(existing.source).exists() and existing.source != metadata.source:
        raise SettingsError(folder, f"sequences made from {existing.source}", metadata.source, hint)


def _refuse_differences(
    folder: Path, made: str, before: Mapping[str, object], now: Mapping[str, object], hint: str
) -> None:
    names = [name for name, value in now.items() if before.get(name) != value]
    if names:
        found, expected = (", ".join(f"{name} {values.get(name)}" for name in names) for values in (before, now))
        raise SettingsError(folder, f"{made} {found}", expected, hint)


def settings_of_source(folder: Path) -> Mapping[str, object] | None:
    """Return the settings that the sequences of a source were made with, except its storage; None: unknown.

    Raises:
        DataError: if its metadata are damaged.
    """
    metadata = read_metadata(folder)
    if metadata is None:
        return None
    return {name: value for name, value in metadata.settings.items() if name not in ("storage", "compression")}
