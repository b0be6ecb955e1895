"""Which of the people in a frame is the walker, as a file says: that of OU-MVLP's users."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skelgait.errors import DataError
from skelgait.storage import Key
from skelgait.storage.arrays import read_pickled
from skelgait.storage.frame_names import frame_number

_FILE = "pose_selection_idx.pkl"
_EXPECTED = "a dictionary from frames to the number of a person"


def person_index_path(root: Path, key: Key) -> Path:
    """Where the index of a sequence is, if it has one: it is only written where a frame has several people."""
    return root.joinpath(*key, _FILE)


def read_person_index(path: Path, frame_names: Sequence[str] | None) -> dict[int, int]:
    """From the place of a frame in the sequence to the number of the walker among its people; empty without a file.

    Args:
        path: a pickled dictionary from the frame's number, as text, to the person's.
        frame_names: the names of the sequence's frames, where they are known; otherwise frames count from 0.

    Raises:
        DataError: the file is damaged, or holds something else.
    """
    if not path.is_file():
        return {}
    content = read_pickled(path, _EXPECTED)
    if not isinstance(content, dict):
        raise DataError(path, f"a {type(content).__name__}", _EXPECTED, "write the index again")
    try:
        chosen = {frame_number(str(frame)): int(person) for frame, person in content.items()}
    except (TypeError, ValueError) as error:
        raise DataError(path, f"an entry that is no number ({error})", _EXPECTED, "write the index again") from error
    numbers = range(max(map(int, filter(None, chosen)), default=0) + 1)
    places = enumerate(map(frame_number, frame_names) if frame_names is not None else numbers)
    return {place: chosen[number] for place, number in places if number is not None and number in chosen}
