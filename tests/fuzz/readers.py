"""Readers of files: how a sound small file is made, and how it is read. Only a `SkelgaitError` may come out."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import yaml

from skelgait.checkpoints.file import read_checkpoint_file
from skelgait.datasets import find_dataset
from skelgait.datasets.partition import load_partition
from skelgait.embeddings.file import open_embeddings
from skelgait.embeddings.gallery import GalleryThreshold, open_gallery, write_gallery
from skelgait.preprocess.convert import convert_store
from skelgait.raw.poses import open_raw, read_options
from skelgait.raw.poses.person_index import read_person_index
from skelgait.raw.silhouettes.png import read_silhouette
from skelgait.reports.folder import read_report
from skelgait.runs.read import find_runs
from skelgait.settings.layers import load_settings
from skelgait.settings.protocol_file import protocol_to_yaml, read_protocol
from skelgait.settings.run_settings import read_run_file
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_pairs, open_source
from skelgait.storage.arrays import read_pickled
from skelgait.storage.frame_names import read_frame_names
from skelgait.storage.metadata import read_metadata
from tests.embeddings.test_file import write as write_embedding_file
from tests.raw.poses.dataset_builders import make_walks
from tests.raw.poses.test_layouts import CASES as LAYOUT_CASES
from tests.raw.silhouettes.png_trees import blobs, write_png
from tests.reports.plain_reports import group
from tests.runs.run_folders import write_run
from tests.storage.test_pair_file import FRAME_PAIRS, A, B
from tests.storage.test_pair_file import write as write_pairs


class Reader(NamedTuple):
    """Reader of a kind of file.

    Attributes:
        write: function that writes sound files into a folder, and returns the one to damage.
        read: function from that file to its content.
    """

    write: Callable[[Path], Path]
    read: Callable[[Path], object]


def _tree(folder: Path) -> Path:
    maps = np.random.default_rng(0).integers(0, 255, (3, 2, 8, 8), np.uint8)
    return PickleTreeWriter(folder / "maps").write(Key("001", "nm", "090"), maps, frame_names=["1", "2", "3"])


def _store(folder: Path) -> Path:
    _tree(folder)
    convert_store(open_source(folder / "maps", "map"), folder / "store", "hdf5", compression="lz4hc")
    return next((folder / "store").glob("*.h5"))


def _read_all(source: SequenceSource) -> None:
    for key in source.keys:
        source.read(key)
        source.frame_names(key)


def _plain_pickle(folder: Path) -> Path:
    content = {"a": [1, 2.5, None, True, "text", (1, 2)], "b": np.arange(6.0).reshape(2, 3), "c": np.float32(3)}
    path = folder / "a.pkl"
    path.write_bytes(pickle.dumps([content, content], 4))
    return path


def _person_index(folder: Path) -> Path:
    path = folder / "index.pkl"
    path.write_bytes(pickle.dumps({"0001": 0, "0002": 1}, 2))
    return path


def _checkpoint(folder: Path) -> Path:
    weights = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.zeros(2)}
    content = {"model": weights, "iteration": 7, "optimizer": {"lr": np.float64(0.1)}, "scheduler": {"last_epoch": 7}}
    torch.save(content, folder / "c.pt")
    return folder / "c.pt"


def _json(name: str, content: object, folder: Path) -> Path:
    path = folder / name
    path.write_text(json.dumps(content, indent=1))
    return path


def _settings(folder: Path) -> Path:
    path = folder / "skelgait.yaml"
    path.write_text(yaml.safe_dump({"train": {"seed": 3, "sampling": {"clip_len": 20}}, "heatmap": {"sigma_px": 8.0}}))
    return path


def _protocol(folder: Path) -> Path:
    path = folder / "protocol.yaml"
    path.write_text(protocol_to_yaml(find_dataset("CCPG").protocol))
    return path


def _embeddings(folder: Path) -> Path:
    write_embedding_file(folder / "e.h5")
    return folder / "e.h5"


def _gallery(folder: Path) -> Path:
    file = open_gallery(_embeddings(folder))
    threshold = GalleryThreshold(1.5, "euclidean", 2, 0.01, 0.0, 10, "2026-01-01T00:00:00+00:00")
    write_gallery(folder / "g.h5", file.facts, [file.rows], threshold)
    return folder / "g.h5"


def _read_gallery(path: Path) -> object:
    rows = open_gallery(path).rows
    return rows.embedding_1[:], rows.embedding_2[:]


def _run_file(name: str, folder: Path) -> Path:
    evaluation = {"iteration": 10, "protocol": "CCPG", "tables": [{"title": "a", "groups": [group("b")]}]}
    write_run(folder / "run", {"seed": 1}, 3, [evaluation])
    (folder / "run" / "run.json").write_text(json.dumps({"format": 1, "settings": {"train": {"seed": 1}}}))
    return folder / "run" / name


def _metadata(folder: Path) -> Path:
    _store(folder)
    return folder / "store" / "skelgait.json"


def _frame_names(folder: Path) -> Path:
    _tree(folder)
    return next((folder / "maps" / ".frame_names").rglob("*.txt"))


def _layout(name: str, folder: Path) -> Path:
    root = LAYOUT_CASES[name].build(folder / "raw", make_walks(*map(Key._make, LAYOUT_CASES[name].keys[:1])))
    return root if root.is_file() else max((p for p in root.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)


def _read_layout(name: str, path: Path) -> None:
    root = next(parent for parent in path.parents if parent.name == "raw")
    _, *size = LAYOUT_CASES[name].flags or ("",)
    raw = open_raw(root, LAYOUT_CASES[name].layout, options=read_options(image_size=size[0] if size else None))
    for key in raw.keys:
        raw.read(key)


def _silhouette(folder: Path) -> Path:
    return write_png(folder / "a.png", blobs(0, 1)[0])


_TABLE = {"title": "a", "groups": [group("b")]}
READERS: dict[str, Reader] = {
    "pickle": Reader(_plain_pickle, lambda path: read_pickled(path, "numbers")),
    "pickle tree": Reader(_tree, lambda path: _read_all(open_source(path.parents[3], "map"))),
    "person index": Reader(_person_index, lambda path: read_person_index(path, None)),
    "HDF5 store": Reader(_store, lambda path: _read_all(open_source(path.parent, "map"))),
    "pair file": Reader(
        lambda folder: write_pairs(folder, {A: FRAME_PAIRS[A], B: None}),
        lambda path: _read_all(open_pairs(path.parent)),
    ),
    "embeddings": Reader(_embeddings, lambda path: np.asarray(open_embeddings(path).values[:])),
    "gallery": Reader(_gallery, _read_gallery),
    "checkpoint": Reader(_checkpoint, read_checkpoint_file),
    "silhouette": Reader(_silhouette, read_silhouette),
    "settings": Reader(_settings, lambda path: load_settings(file=path)),
    "protocol": Reader(_protocol, read_protocol),
    "partition": Reader(
        partial(_json, "p.json", {"TRAIN_SET": ["001"], "TEST_SET": ["002", "003"], "PROBE_SET": ["002-nm-090"]}),
        load_partition,
    ),
    "report": Reader(
        partial(
            _json, "report.json", {"format": 1, "protocol": "CCPG", "tables": [{"title": "a", "groups": [group("b")]}]}
        ),
        lambda path: read_report(path.parent),
    ),
    **{
        f"run: {name}": Reader(partial(_run_file, name), lambda path: find_runs(path.parents[1]))
        for name in ("settings.yaml", "metrics.jsonl", "tests.jsonl")
    },
    "run: run.json": Reader(partial(_run_file, "run.json"), lambda path: read_run_file(path.parent)),
    "metadata": Reader(_metadata, lambda path: read_metadata(path.parent)),
    "frame names": Reader(_frame_names, lambda path: read_frame_names(path, 3)),
    **{f"poses: {name}": Reader(partial(_layout, name), partial(_read_layout, name)) for name in LAYOUT_CASES},
}
