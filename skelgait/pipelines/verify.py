"""Verification of the checksums of all data at a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from skelgait.datasets import DATASETS
from skelgait.display import Row, Tabular
from skelgait.errors import DataError, PathLike, SkelgaitError
from skelgait.storage import SequenceSource, open_any
from skelgait.storage.backends import ANY_PICKLE
from skelgait.storage.hdf5_store import shard_files
from skelgait.storage.metadata import read_metadata
from skelgait.storage.pairs import PAIR_FILE
from skelgait.storage.pickle_sums import verify_pickle

_CHECKPOINTS = (".pt", ".pth")


@dataclass(repr=False)
class Verification(Tabular):
    """Result of a verification.

    Attributes:
        path: verified file or folder.
        items: number of sequences, embeddings, checkpoints and other files that were read.
        without_sums: number of those without checksums, as skelgait 0.1.0 and other programs write them.
        damaged: problem of each damaged sequence or file.
    """

    path: Path
    items: int = 0
    without_sums: int = 0
    damaged: list[str] = field(default_factory=list)

    def headline(self) -> str:
        """Return the number of damaged items."""
        return f"{len(self.damaged)} of {self.items} damaged" if self.damaged else "no damage found"

    def rows(self) -> list[Row]:
        """Return one row for each count, and one for each damaged item."""
        rows: list[Row] = [{"name": name, "value": value} for name, value in self.facts().items()]
        return rows + [{"name": "damaged", "value": problem} for problem in self.damaged]

    def facts(self) -> dict[str, object]:
        """Return the counts by name, in display order."""
        n_damaged = len(self.damaged)
        n_undamaged = self.items - self.without_sums - n_damaged
        return {"undamaged": n_undamaged, "no checksums": self.without_sums, "damaged": n_damaged}

    def add(self, verify: Callable[[], bool]) -> None:
        """Verify an item and count it.

        Args:
            verify: function that returns False if the item has no checksums, and raises SkelgaitError if it is damaged.
        """
        self.items += 1
        try:
            self.without_sums += not verify()
        except SkelgaitError as error:
            self.damaged.append(str(error))


def verify_path(path: PathLike) -> Verification:
    """Read all data at a path, and compare them with their checksums.

    Args:
        path: pickle tree or file of it, HDF5 store, pairs, embedding file, checkpoint, or folder of checkpoints.

    Raises:
        DataError: if there is nothing that has checksums.
    """
    path = Path(path)
    result = Verification(path)
    for verify in _items(path):
        result.add(verify)
    return result


def _items(path: Path) -> Iterator[Callable[[], bool]]:
    """Yield a function that verifies it for each item at a path."""
    checkpoints = _checkpoints(path)
    if checkpoints:
        yield from (_verifier(_verify_checkpoint, file) for file in checkpoints)
    elif path.suffix == ".pkl" and path.is_file():
        yield _verifier(verify_pickle, path)
    elif path.is_file() and path.name != PAIR_FILE and _holds_embeddings(path):
        yield from _embeddings(path)
    else:
        yield from _sequences(path)


def _checkpoints(path: Path) -> list[Path]:
    files = [path] if path.is_file() else [*path.glob("*.pt"), *path.glob("checkpoints/*.pt")]
    return sorted(file for file in files if file.suffix in _CHECKPOINTS)


def _verify_checkpoint(path: Path) -> bool:
    from skelgait.checkpoints.file import read_checkpoint_file
    from skelgait.checkpoints.zip_file import has_records

    read_checkpoint_file(path)
    return has_records(path)


def _holds_embeddings(path: Path) -> bool:
    from skelgait.embeddings.file import holds_embeddings

    return holds_embeddings(path)


def _embeddings(path: Path) -> Iterator[Callable[[], bool]]:
    from skelgait.embeddings import open_embeddings

    for number in (1, 2):
        try:
            file = open_embeddings(path, number)
        except DataError as error:
            yield _raiser(error)
            return
        yield from (_verifier(file.values.verify, row) for row in range(len(file.values)))


def _sequences(path: Path) -> Iterator[Callable[[], bool]]:
    """Yield the sequences of each shard, or those of other storage, and the metadata."""
    is_pairs = path.name == PAIR_FILE or (path / PAIR_FILE).is_file()
    shards = [] if is_pairs else shard_files(path)
    for shard in shards:
        try:
            source = open_any(shard)
        except DataError as error:
            yield _raiser(error)
        else:
            yield from (_verifier(source.verify, key) for key in source.keys)
    if not shards:
        source = _open_tree(path)
        yield from (_verifier(source.verify, key) for key in source.keys)
    if path.is_dir():
        yield _verifier(_verify_metadata, path)


def _open_tree(path: Path) -> SequenceSource:
    """Open sequences with the file pattern of any dataset."""
    datasets = DATASETS.values()
    patterns = [pattern for dataset in datasets for pattern in (dataset.pose_pattern, dataset.silhouette_pattern)]
    for pattern in dict.fromkeys((ANY_PICKLE, *patterns)):
        with suppress(DataError):
            source = open_any(path, pattern)
            source.length(source.keys[0])
            return source
    return open_any(path)


def _verify_metadata(folder: Path) -> bool:
    metadata = read_metadata(folder)
    return metadata is None or metadata.has_sum


def _verifier(verify: Callable[..., bool], *arguments: object) -> Callable[[], bool]:
    return lambda: verify(*arguments)


def _raiser(error: SkelgaitError) -> Callable[[], bool]:
    def verify() -> bool:
        raise error

    return verify
