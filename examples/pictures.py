"""Draw the pictures of the README and the guide.

    python pictures.py FOLDER

writes `maps.png` (poses, skeleton maps and silhouettes) and `missing_joints.png` (joints missing in all frames) from
synthetic walkers, `architecture.svg` (packages of skelgait), and `joint_orders.svg` (joints of each skeleton).
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from skelgait import find_dataset, open_source, skeleton_maps, write_walkers
from skelgait.skeletons import COCO_17, SKELETONS

CELL_PX = 128
GAP_PX = 4
LABEL_PX = 150
LINE_PX = 24
LEFT_WRIST, LEFT_ANKLE = 9, 15  # rows of COCO-17
LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (5, 6), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16))
# Distance of a part from the middle of the body, and its y, in the picture of joint orders.
POSITIONS = {
    "nose": (0, 48), "eye": (7, 40), "eye inner": (3, 33), "eye outer": (13, 34), "ear": (18, 44), "mouth": (6, 57),
    "head": (0, 48), "neck or nose": (0, 48), "head top": (0, 26), "neck": (0, 66), "thorax": (0, 78),
    "spine shoulder": (0, 78), "chest": (0, 92), "spine": (0, 100), "belly": (0, 100), "mid hip": (0, 126),
    "shoulder": (24, 74), "elbow": (34, 98), "wrist": (40, 122), "hand": (43, 132), "thumb": (32, 134),
    "pinky": (52, 136), "index": (43, 142), "hand tip": (45, 144), "hip": (13, 126), "knee": (15, 162),
    "ankle": (16, 196), "foot": (20, 210), "heel": (11, 207), "big toe": (22, 214), "small toe": (32, 209),
    "foot index": (22, 218),
}  # fmt: skip

# Packages from top to bottom: each imports only from lower rows. Per package: topic, short description.
PACKAGES = [
    {"cli": ("use", "commands")},
    {"pipelines": ("use", "settings to results")},
    {"video": ("data", "people in videos"), "reports": ("evaluate", "tables, pages")},
    {
        "inspection": ("data", "check files"),
        "runs": ("use", "list and compare"),
        "training": ("learn", "training loop"),
        "export": ("learn", "other formats"),
        "evaluation": ("evaluate", "metrics, protocols"),
    },
    {
        "preprocess": ("data", "make datasets"),
        "viz": ("use", "pictures, plots"),
        "checkpoints": ("learn", "save and load"),
        "embeddings": ("evaluate", "embed, files"),
    },
    {
        "synth": ("data", "synthetic walkers"),
        "raw": ("data", "raw layouts"),
        "maps": ("data", "skeleton maps"),
        "settings": ("use", "settings, presets"),
        "sampling": ("learn", "batches"),
    },
    {
        "skeletons": ("data", "joint names"),
        "datasets": ("data", "facts, protocols"),
        "storage": ("data", "files of sequences"),
        "opengait": ("use", "compatibility"),
    },
    {
        "runtime": ("use", "processes, logs"),
        "models": ("learn", "networks"),
        "losses": ("learn", "loss functions"),
        "matching": ("evaluate", "distances, ranks"),
    },
    {"errors": ("use", "error messages")},
    {"display": ("use", "text and tables")},
]
COLORS = {"data": "#dcefe0", "learn": "#dde8f8", "evaluate": "#fbe6d4", "use": "#ececec"}
TOPICS = {"data": "data", "learn": "networks and training", "evaluate": "evaluation", "use": "everything else"}


def text(words, width):
    """Draw a line of text on white."""
    line = np.full((LINE_PX, width, 3), 255, np.uint8)
    cv2.putText(line, words, (GAP_PX, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1, cv2.LINE_AA)
    return line


def large(gray):
    """Enlarge a gray image to a cell."""
    return cv2.resize(gray, (CELL_PX, CELL_PX), interpolation=cv2.INTER_LINEAR)


def pose_cell(keypoints_xyc):
    """Draw the poses of a frame as dots and lines."""
    xy = keypoints_xyc[:, :2]
    top, bottom = xy[:, 1].min(), xy[:, 1].max()
    middle = (xy[:, 0].min() + xy[:, 0].max()) / 2
    points = (xy - [middle, top]) * 0.78 * CELL_PX / (bottom - top) + [CELL_PX / 2, 0.12 * CELL_PX]
    points = [tuple(map(int, point.round())) for point in points]
    cell = np.zeros((CELL_PX, CELL_PX, 3), np.uint8)
    for a, b in LIMBS:
        cv2.line(cell, points[a], points[b], (110, 110, 110), 1, cv2.LINE_AA)
    for point in points:
        cv2.circle(cell, point, 2, (255, 255, 255), -1, cv2.LINE_AA)
    return cell


def map_cells(maps):
    """Draw limbs in orange, joints in blue, and both, from the maps (2, H, W) of a frame."""
    limbs, joints = (large(channel) for channel in maps)
    return [
        np.stack([limbs // 4, limbs // 2, limbs], axis=-1),
        np.stack([joints, joints // 2, joints // 4], axis=-1),
        np.stack([joints, np.maximum(limbs, joints) // 2, limbs], axis=-1),
    ]


def save_grid(path, heads, rows):
    """Save rows of (label, cells) under column heads."""
    gap = np.full((CELL_PX, GAP_PX, 3), 255, np.uint8)
    lines = [np.concatenate([text("", LABEL_PX), *(text(head, CELL_PX + GAP_PX) for head in heads)], axis=1)]
    for label, cells in rows:
        margin = np.full((CELL_PX, LABEL_PX, 3), 255, np.uint8)
        middle = (CELL_PX - LINE_PX) // 2
        margin[middle : middle + LINE_PX] = text(label, LABEL_PX)
        lines.append(np.concatenate([margin, *(part for cell in cells for part in (cell, gap))], axis=1))
        lines.append(np.full((GAP_PX, lines[0].shape[1], 3), 255, np.uint8))
    cv2.imwrite(str(path), np.concatenate(lines))


def draw_maps_picture(path, walks):
    """Save poses, maps and silhouettes of three walks."""
    frames = {"normal, 54 degrees": ("nm-01", "054", 8), "bag, 90 degrees": ("bg-01", "090", 22)}
    frames["coat, 144 degrees"] = ("cl-01", "144", 16)
    rows = []
    for label, (condition, view, t) in frames.items():
        poses, silhouettes = walks[condition, view]
        silhouette = np.repeat(large(silhouettes[t])[..., None], 3, axis=2)
        rows.append((label, [pose_cell(poses[t]), *map_cells(skeleton_maps(poses).maps[t]), silhouette]))
    save_grid(path, ["poses (input)", "limbs", "joints", "both", "silhouette"], rows)


def draw_missing_joints_picture(path, walks):
    """Save the maps of a walk with all joints, and without left wrist and left ankle."""
    poses, _ = walks["nm-01", "054"]
    incomplete = poses.copy()
    incomplete[:, [LEFT_WRIST, LEFT_ANKLE]] = 0
    drawn = {
        "all joints": skeleton_maps(poses).maps,
        "--fill knn": skeleton_maps(incomplete, fill="knn").maps,
        "--fill visible": skeleton_maps(incomplete, fill="visible").maps,
    }
    rows = [(label, [cell for t in (8, 20) for cell in map_cells(maps[t])]) for label, maps in drawn.items()]
    save_grid(path, ["limbs", "joints", "both"] * 2, rows)


def draw_architecture(path):
    """Save the packages in rows as SVG."""
    width, height, gap = 122, 46, 10
    total = 5 * width + 6 * gap
    shapes = []
    y = 42
    for row in PACKAGES:
        x = (total - len(row) * width - (len(row) - 1) * gap) / 2
        for name, (topic, phrase) in row.items():
            middle = x + width / 2
            shapes += [
                f'<rect x="{x:g}" y="{y}" width="{width}" height="{height}" rx="6" fill="{COLORS[topic]}"/>',
                f'<text x="{middle:g}" y="{y + 20}" font-size="14" font-weight="bold">{name}</text>',
                f'<text x="{middle:g}" y="{y + 36}" font-size="11">{phrase}</text>',
            ]
            x += width + gap
        y += height + 14
    shapes.append(f'<text x="{total / 2:g}" y="22" font-size="13">A package imports only from lower rows.</text>')
    x = 10
    for topic, label in TOPICS.items():
        shapes.append(f'<rect x="{x}" y="{y + 4}" width="14" height="14" rx="3" fill="{COLORS[topic]}"/>')
        shapes.append(f'<text x="{x + 20}" y="{y + 16}" font-size="12" text-anchor="start">{label}</text>')
        x += 165
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {y + 28}" font-family="sans-serif"'
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    lines = [head + ' fill="#222222" text-anchor="middle">', background, *shapes, "</svg>"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def joint_position(name):
    """Return x and y of a joint of a person who faces the camera: the left side has the larger x."""
    side = {"left": 1, "right": -1}.get(name.split()[0], 0)
    part = name.removeprefix("left ").removeprefix("right ")
    x, y = POSITIONS[part]
    return 85 + side * x, y


def draw_joint_orders(path):
    """Save the numbers of the joints of each skeleton as SVG. Points of face and hands have no numbers."""
    width, height, columns = 170, 235, 5
    shapes = []
    drawn = [skeleton for skeleton in SKELETONS if len(skeleton.joints) < 100]
    for n, skeleton in enumerate(drawn):
        left, top = n % columns * width, n // columns * height
        shapes.append(f'<g transform="translate({left} {top})">')
        shapes.append(f'<text x="85" y="18" font-size="13" font-weight="bold">{skeleton.name}</text>')
        for a, b in COCO_17.limbs:
            if skeleton.coco17_indices[COCO_17.index(a)] >= 0 and skeleton.coco17_indices[COCO_17.index(b)] >= 0:
                (x1, y1), (x2, y2) = joint_position(a), joint_position(b)
                shapes.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#cccccc"/>')
        for number, joint in enumerate(skeleton.joints):
            x, y = joint_position(joint)
            color = "#b04a00" if joint.startswith("left") else "#1f5fa8" if joint.startswith("right") else "#222222"
            shapes.append(f'<text x="{x}" y="{y + 3}" font-size="9" fill="{color}">{number}</text>')
        shapes.append("</g>")
    total = columns * width, -(-len(drawn) // columns) * height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]} {total[1]}" font-family="sans-serif"'
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    path.write_text(
        "\n".join([head + ' text-anchor="middle">', background, *shapes, "</svg>"]) + "\n", encoding="utf-8"
    )


def main(folder):
    """Save all pictures in a folder."""
    draw_architecture(folder / "architecture.svg")
    draw_joint_orders(folder / "joint_orders.svg")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_walkers(
            root, find_dataset("CASIA-B"), people=2, views=11, conditions=("normal", "bag", "coat"), repeats=1,
            frames=34, noise_px=1.5, lost=0, seed=0,
        )  # fmt: skip
        poses, silhouettes = open_source(root / "poses", "pose"), open_source(root / "silhouettes", "silhouette")
        walks = {
            (key.condition, key.view): (poses.read(key)[0], silhouettes.read(key)[0])
            for key in poses.keys
            if key.identity == poses.keys[0].identity
        }
    draw_maps_picture(folder / "maps.png", walks)
    draw_missing_joints_picture(folder / "missing_joints.png", walks)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
