"""Person index files: which person of a frame is the walker (OU-MVLP `pose_selection_idx`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skelgait.errors import DataError, reading
from skelgait.storage import Key
from skelgait.storage.arrays import read_pickled
from skelgait.storage.frame_names import frame_number

_FILE = "pose_selection_idx.pkl"
_EXPECTED = "a dictionary from frame numbers to person indices"


def person_index_path(root: Path, key: Key) -> Path:
    """Return the path of the index of a sequence; the file exists only if a frame has several people."""
    return root.joinpath(*key, _FILE)


def read_person_index(path: Path, frame_names: Sequence[str] | None) -> dict[int, int]:
    """Read the index of the walker among the people of each frame.

    Args:
        path: pickled dictionary from frame number, as a string, to person index.
        frame_names: names of the frames, which contain the frame numbers; None: frames are numbered from 0.

    Returns:
        The person index by position of the frame in the sequence; empty if the file does not exist.

    Raises:
        DataError: if the file is damaged or has other content.
    """
    if not path.is_file():
        return {}
    content = read_pickled(path, _EXPECTED)
    if not isinstance(content, dict):
        raise DataError(path, f"a {type(content).__name__}", _EXPECTED, "write the index again")
    with reading(path, _EXPECTED, "write the index again", "an entry that is not a number", (TypeError,)):
        persons = {frame_number(str(frame)): int(person) for frame, person in content.items()}
    if frame_names is None:
        return {number: person for number, person in persons.items() if number is not None}
    frames = enumerate(map(frame_number, frame_names))
    return {t: persons[number] for t, number in frames if number is not None and number in persons}
