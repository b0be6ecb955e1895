"""Inputs of the commands: poses, maps, silhouettes, a partition, a protocol, and embeddings.

Run: python -m tests.load.inputs FOLDER SEQUENCES
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skelgait.embeddings import EmbeddingFacts, write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.storage import Key

# Sequences of a person. The first is the probe of every hundredth person, the others are in the gallery.
SEQUENCES = 15
PROBE_SHARE = 100
STRIPS, WIDTH = 16, 256
PROTOCOL = """\
name: Load
tables:
- title: Probes in the whole gallery
  kind: pooled
  groups:
  - {name: All, probes: [probe], gallery: ["gallery-*"]}
  metrics: [rank_1, mean_ap]
"""


def keys_of(size: int) -> Iterator[Key]:
    for number in range(size):
        person, sequence = divmod(number, SEQUENCES)
        if sequence == 0 and person % PROBE_SHARE == 0:
            yield Key(f"{person:05d}", "probe", "000")
        else:
            yield Key(f"{person:05d}", f"gallery-{sequence:02d}", "090")


def write_inputs(folder: Path, size: int) -> None:
    """Write poses, maps and silhouettes of one frame, a partition, a protocol, and embeddings of full width.

    `tenth` has the poses of every tenth sequence, for commands that take long.
    """
    rng = np.random.default_rng(0)
    pose = np.ones((1, 17, 3), np.float32)
    # A person who stands upright: the joints of the COCO order from nose to ankles.
    pose[0, :, 1] = [20, 18, 18, 20, 20, 40, 40, 70, 70, 95, 95, 100, 100, 140, 140, 180, 180]
    pose[0, :, 0] = [100, 97, 103, 94, 106, 85, 115, 80, 120, 78, 122, 90, 110, 88, 112, 87, 113]
    silhouette = np.zeros((1, 64, 64), np.uint8)
    silhouette[:, :, 24:40] = 255
    maps = np.stack([silhouette, silhouette], axis=1)
    for number, key in enumerate(keys_of(size)):
        noisy = pose + np.pad(rng.normal(0, 0.3, (1, 17, 2)), ((0, 0), (0, 0), (0, 1))).astype(np.float32)
        arrays = {"poses": noisy, "silhouettes": silhouette, "maps": maps}
        if number % 10 == 0:
            arrays["tenth"] = noisy
        for name, array in arrays.items():
            sequence = folder / name / key.identity / key.condition / key.view
            sequence.mkdir(parents=True)
            (sequence / "000.pkl").write_bytes(pickle.dumps(array, protocol=4))
    keys = list(keys_of(size))
    people = sorted({key.identity for key in keys})
    (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": people}))
    (folder / "protocol.yaml").write_text(PROTOCOL)
    facts = EmbeddingFacts("skeletongait", 1, "none", "0" * 64, 1, "none", 1, "float32")
    write_embeddings(folder / "embeddings.h5", keys, [1] * size, _random_chunks(size), facts)


def _random_chunks(size: int) -> Iterator[EmbeddingChunk]:
    rng = np.random.default_rng(1)
    for start in range(0, size, 1000):
        indices = np.arange(start, min(start + 1000, size))
        values = rng.standard_normal((len(indices), STRIPS, WIDTH), np.float32)
        yield EmbeddingChunk(indices, values, values)


if __name__ == "__main__":
    write_inputs(Path(sys.argv[1]), int(sys.argv[2]))
