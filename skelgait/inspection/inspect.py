"""What lies at a path: what it is, what would fail, and what to run next."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from skelgait.errors import DataError
from skelgait.inspection.files import inspect_file
from skelgait.inspection.raw import inspect_pictures, inspect_raw_poses
from skelgait.inspection.report import Inspection, InspectionContext
from skelgait.inspection.storage import inspect_foreign_pickles, inspect_store
from skelgait.raw.file_tree import sample_files


def inspect_path(path: Path, sequences: int = 100, names: str | None = None) -> Inspection:
    """Find out what lies at a path: a file, a raw dataset, a tree or a store.

    Args:
        path: where to look.
        sequences: how many of its sequences to read at most, evenly spaced.
        names: how its paths are named, see `skelgait.raw.keys.sequence_keys`; recognized where None.

    Raises:
        DataError: there is nothing, or nothing that is known.
    """
    looking = InspectionContext(path, sample_files(path), sequences, names)
    # What is ready to use first, then what can be made ready, then what cannot.
    for look in (inspect_file, inspect_store, inspect_raw_poses, inspect_pictures, inspect_foreign_pickles):
        found = look(looking)
        if found is not None:
            return found
    raise _unknown(looking)


def _unknown(looking: InspectionContext) -> DataError:
    endings = Counter(path.suffix or "no ending" for path in looking.sample)
    kinds = ", ".join(f"{n} with {ending}" for ending, n in endings.most_common(4))
    found = (
        f"files of no known kind ({kinds} among the first ones, such as {looking.sample[0]})" if kinds else "no file"
    )
    expected = "poses, maps, silhouettes, pairs, a partition or a checkpoint"
    return DataError(looking.path, found, expected, "see examples/guide/own_data.md for how data should lie")
