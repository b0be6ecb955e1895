"""What joints that are never seen do to skeleton maps, with `fill="knn"` and with `fill="visible"`, in a picture.

    python missing_joints.py PICTURE.png

The walk is a synthetic one; without its left wrist and left ankle it is drawn twice.
"""

import sys
from pathlib import Path

import numpy as np

from skelgait import skeleton_maps
from skelgait.skeletons import COCO_17
from skelgait.synth.anthropometry import sample_person
from skelgait.synth.camera import Camera, detect
from skelgait.synth.gait import walk
from skelgait.viz.contact_sheet import Strip, save_sheet

rng = np.random.default_rng(0)
joints, _ = walk(sample_person(rng), "normal", 34, rng)
poses = detect(*Camera(view_deg=50).project(joints), rng, noise_px=1.5, lost=0)

without = poses.copy()
without[:, [COCO_17.index("left wrist"), COCO_17.index("left ankle")]] = 0

strips = [
    Strip("all joints", skeleton_maps(poses).maps),
    Strip("left wrist and left ankle never seen: knn", skeleton_maps(without, fill="knn").maps),
    Strip("left wrist and left ankle never seen: visible", skeleton_maps(without, fill="visible").maps),
]
save_sheet(Path(sys.argv[1]), strips, frames=3)
