"""Skeleton maps of one sequence in Python, and a picture of them.

    python maps_in_python.py POSES.pkl PICTURE.png

POSES.pkl is one pickled array (T, 17 or 18, 3): x, y and confidence of each joint.
"""

import sys
from pathlib import Path

from skelgait import skeleton_maps
from skelgait.storage.arrays import read_pickled_array
from skelgait.viz.contact_sheet import Strip, save_sheet

poses, picture = Path(sys.argv[1]), Path(sys.argv[2])

result = skeleton_maps(read_pickled_array(poses), where=str(poses))
save_sheet(picture, [Strip(poses.stem, result.maps)], frames=5)
print(f"{len(result.maps)} frames, {result.n_filled} joints filled, {result.n_empty} empty maps")
