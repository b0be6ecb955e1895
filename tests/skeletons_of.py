"""Bodies in every skeleton, made from COCO-17."""

from __future__ import annotations

import numpy as np

from skelgait.skeletons import COCO_17, Skeleton


def in_skeleton(skeleton: Skeleton, keypoints_xyc: np.ndarray) -> np.ndarray:
    """Return keypoints (T, 17, 3) with the joints of another skeleton, (T, V, 3)."""
    by_name = {name: keypoints_xyc[:, n] for n, name in enumerate(COCO_17.joints)}
    up = np.ptp(keypoints_xyc[..., 1], axis=1)[:, None] * [0, -1, 0]
    shoulders = (by_name["left shoulder"] + by_name["right shoulder"]) / 2
    hips = (by_name["left hip"] + by_name["right hip"]) / 2
    by_name |= {
        "neck": shoulders + 0.02 * up, "head top": by_name["nose"] + 0.08 * up, "head": by_name["nose"],
        "neck or nose": by_name["nose"], "mid hip": hips,
    }  # fmt: skip
    near = {"hand": "wrist", "thumb": "wrist", "pinky": "wrist", "index": "wrist", "toe": "ankle", "heel": "ankle",
            "foot": "ankle", "eye": "eye", "mouth": "eye"}  # fmt: skip

    def joint(name: str) -> np.ndarray:
        if name in by_name:
            return by_name[name]
        part = next((near[word] for word in ("foot", *near) if word in name), None)
        return (shoulders + hips) / 2 if part is None else by_name[f"{name.split()[0]} {part}"] - 0.01 * up

    return np.stack([joint(name) for name in skeleton.joints], axis=1)
