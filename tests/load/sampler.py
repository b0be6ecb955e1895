"""Draw 1000 training batches of the sequences in a folder."""

from __future__ import annotations

import sys

from skelgait.sampling.batch_sampler import IdentityBatchSampler
from skelgait.storage import open_source

BATCHES = 1000

if __name__ == "__main__":
    keys = open_source(sys.argv[1], "map").keys
    classes = {identity: label for label, identity in enumerate(sorted({key.identity for key in keys}))}
    sampler = IdentityBatchSampler([classes[key.identity] for key in keys], 2, 4, seed=0)
    for iteration in range(BATCHES):
        sampler.draw(iteration)
