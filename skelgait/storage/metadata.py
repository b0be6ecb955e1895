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

NOTE = "skelgait.json"


class Note(NamedTuple):
    """The note in a folder of sequences.

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


def claim(folder: Path, note: Note, modality: Modality, *, overwrite: bool, mend: str) -> None:
    """Leave `note` in `folder`, and refuse to mix sequences that were made otherwise with those to come.

    Args:
        folder: where sequences are going to be written.
        note: what they are made of, and how.
        modality: what they are.
        overwrite: remove those that are there.
        mend: what to do where they would be mixed.

    Raises:
        SettingsError: there are sequences made with other settings, or of another source.
        DataError: `folder` cannot be written, or its note is damaged.
    """
    before = None if overwrite else read_note(folder)
    if holds_sequences(folder):
        if before and not before.is_being_cleared:
            _refuse_mixture(folder, before, note, mend)
            return
        if overwrite or before:
            write_note(folder, note._replace(is_being_cleared=True))
            remove_sequences(folder, modality)
    write_note(folder, note)


def read_note(folder: Path) -> Note | None:
    """The note in `folder`, if there is one.

    Raises:
        DataError: it is damaged.
    """
    path = folder / NOTE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        is_being_cleared, facts = bool(content.get("is_being_cleared")), dict(content.get("facts", {}))
        return Note(str(content["source"]), dict(content["settings"]), is_being_cleared, facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        mend = "write the sequences beside it again, into another folder or over these"
        raise DataError(path, f"a damaged file ({error!r})", "how the sequences beside it were made", mend) from error


def write_note(folder: Path, note: Note) -> None:
    """Write the note of `folder`.

    Raises:
        DataError: it cannot be written.
    """
    content: dict[str, object] = {"version": __version__, "source": note.source, "settings": note.settings}
    if note.facts:
        content["facts"] = note.facts
    if note.is_being_cleared:
        content["is_being_cleared"] = True
    write_text(folder / NOTE, json.dumps(content, indent=1) + "\n")


def _refuse_mixture(folder: Path, before: Note, note: Note, mend: str) -> None:
    differing = [name for name, value in note.settings.items() if before.settings.get(name) != value]
    if differing:
        found = ", ".join(f"{name} {before.settings.get(name)}" for name in differing)
        expected = ", ".join(f"{name} {note.settings[name]}" for name in differing)
        raise SettingsError(folder, f"sequences with {found}", expected, mend)
    # One that has been moved is still the same.
    if Path(before.source).exists() and before.source != note.source:
        raise SettingsError(folder, f"sequences made of {before.source}", note.source, mend)
