"""What a folder of sequences says of itself: where they come from and how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from skelgait import __version__
from skelgait.errors import DataError, SettingsError
from skelgait.storage.atomic import write_text
from skelgait.storage.chunks import holds_sequences, remove_sequences
from skelgait.storage.source import Modality

METADATA_FILE = "skelgait.json"


class DatasetMetadata(NamedTuple):
    """The metadata in a folder of sequences.

    Attributes:
        source: what they were made of.
        settings: how.
        is_being_cleared: whether sequences of earlier settings may still lie there.
        facts: what else is worth knowing of the source, as the number of `joints` of its poses.
    """

    source: str
    settings: Mapping[str, object]
    is_being_cleared: bool = False
    facts: Mapping[str, object] = {}


def check_and_write(folder: Path, metadata: DatasetMetadata, modality: Modality, *, overwrite: bool, hint: str) -> None:
    """Leave `metadata` in `folder`, and refuse to mix sequences that were made otherwise with those to come.

    Args:
        folder: where sequences are going to be written.
        metadata: what they are made of, and how.
        modality: what they are.
        overwrite: remove those that are there.
        hint: what to do where they would be mixed.

    Raises:
        SettingsError: there are sequences made with other settings, or of another source.
        DataError: `folder` cannot be written, or its metadata is damaged.
    """
    before = None if overwrite else read_metadata(folder)
    if holds_sequences(folder):
        if before and not before.is_being_cleared:
            _refuse_mixture(folder, before, metadata, hint)
            return
        if overwrite or before:
            write_metadata(folder, metadata._replace(is_being_cleared=True))
            remove_sequences(folder, modality)
    write_metadata(folder, metadata)


def read_metadata(folder: Path) -> DatasetMetadata | None:
    """The metadata in `folder`, if there is one.

    Raises:
        DataError: it is damaged.
    """
    path = folder / METADATA_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        is_being_cleared, facts = bool(content.get("is_being_cleared")), dict(content.get("facts", {}))
        return DatasetMetadata(str(content["source"]), dict(content["settings"]), is_being_cleared, facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "write the sequences beside it again, into another folder or over these"
        raise DataError(path, f"a damaged file ({error!r})", "how the sequences beside it were made", hint) from error


def write_metadata(folder: Path, metadata: DatasetMetadata) -> None:
    """Write the metadata of `folder`.

    Raises:
        DataError: it cannot be written.
    """
    content: dict[str, object] = {"version": __version__, "source": metadata.source, "settings": metadata.settings}
    if metadata.facts:
        content["facts"] = metadata.facts
    if metadata.is_being_cleared:
        content["is_being_cleared"] = True
    write_text(folder / METADATA_FILE, json.dumps(content, indent=1) + "\n")


def _refuse_mixture(folder: Path, before: DatasetMetadata, metadata: DatasetMetadata, hint: str) -> None:
    differing = [name for name, value in metadata.settings.items() if before.settings.get(name) != value]
    if differing:
        found = ", ".join(f"{name} {before.settings.get(name)}" for name in differing)
        expected = ", ".join(f"{name} {metadata.settings[name]}" for name in differing)
        raise SettingsError(folder, f"sequences with {found}", expected, hint)
    # One that has been moved is still the same.
    if Path(before.source).exists() and before.source != metadata.source:
        raise SettingsError(folder, f"sequences made of {before.source}", metadata.source, hint)
