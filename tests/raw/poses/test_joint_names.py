"""Names of joints as files write them."""

from __future__ import annotations

import pytest

from skelgait.raw.poses.joint_names import joint_name, named_skeleton
from skelgait.skeletons import COCO_17


@pytest.mark.parametrize(
    "text",
    ["left_shoulder", "LShoulder", "Lshoulder", "left shoulder", "shoulder_l", "L_Shoulder", "leftShoulder",
     "lshoulder", "LEFT_SHOULDER", "Left-Shoulder", "shoulderLeft"],
)  # fmt: skip
def test_spellings_of_a_joint_are_equal(text: str) -> None:
    assert joint_name(text) == "left shoulder"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Nose", "nose"),
        ("head_bottom", "neck"),
        ("MidHip", "mid hip"),
        ("REar", "right ear"),
        ("R_B_Paw", "right b paw"),
    ],
)
def test_other_joints_keep_their_words(text: str, name: str) -> None:
    assert joint_name(text) == name


def test_names_of_a_person_make_a_skeleton_and_of_an_animal_none() -> None:
    names = [name.replace(" ", "_") for name in COCO_17.joints]
    skeleton = named_skeleton(names[::-1], "file")
    assert skeleton is not None
    assert skeleton.coco17_indices == tuple(range(16, -1, -1))
    assert named_skeleton(["L_Eye", "R_Eye", "Nose", "Neck", "Root of tail", "L_F_Paw", "R_F_Paw"], "ap10k") is None
