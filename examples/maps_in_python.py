"""Draw the skeleton maps of one sequence and save a picture of them.

    python maps_in_python.py POSES PICTURE.png

POSES is a folder with poses: a tree `<identity>/<condition>/<view>/<file>.pkl`, or one of its parts.
The picture shows five frames: limb maps in the upper row, joint maps in the lower row.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from skelgait import open_any, skeleton_maps

poses, picture = Path(sys.argv[1]), Path(sys.argv[2])

source = open_any(poses)
key = source.keys[0]
(keypoints_xyc,) = source.read(key)  # (T, V, 3): x and y in pixels, confidence

result = skeleton_maps(keypoints_xyc)
frames = np.linspace(0, len(result.maps) - 1, 5).astype(int)
rows = [np.concatenate(list(channel), axis=1) for channel in result.maps[frames].transpose(1, 0, 2, 3)]
cv2.imwrite(str(picture), np.concatenate(rows))
print(f"{key}: {len(result.maps)} frames, {result.n_filled} joints filled, {result.n_empty} empty maps")
