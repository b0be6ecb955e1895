"""Description of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skelgait.datasets.partition import Partition
from skelgait.datasets.protocol import Protocol


@dataclass(frozen=True)
class SyntheticLayout:
    """Folder and file names for a synthetic dataset in the style of a real one.

    Attributes:
        conditions: names of each condition (`normal`, `bag`, `coat`), one for each repeat.
        views: names of the views.
        angles_deg: camera angle of each view, in degrees; 0 is the front.
        pose_file: name of the pose file without suffix; {view} is replaced by the view.
        silhouette_file: name of the silhouette file without suffix; {view} is replaced by the view.
        skeleton_joints: number V of joints.
        leading_values: True if poses are rows (T, 2 + 3 V) with two leading values.
        unnamed: condition of the probes whose identity only a server knows, by the placeholder identity; their view is
            the name of a video.
    """

    conditions: Mapping[str, tuple[str, ...]]
    views: tuple[str, ...]
    angles_deg: tuple[float, ...]
    pose_file: str = "{view}"
    silhouette_file: str = "{view}"
    skeleton_joints: int = 17
    leading_values: bool = False
    unnamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """Description of a dataset.

    Attributes:
        name: name, as in presets.
        partition: function that returns the official partition.
        protocol: evaluation protocol.
        synthetic_layout: names for synthetic data in the style of this dataset; None: no synthetic data.
        pose_pattern: pattern of the pose file in a sequence folder.
        silhouette_pattern: pattern of the silhouette file in a sequence folder.
        aliases: other names.
        keys: regular expression of identity/condition/view.
    """

    name: str
    partition: Callable[[], Partition]
    protocol: Protocol
    synthetic_layout: SyntheticLayout | None = None
    pose_pattern: str = "*.pkl"
    silhouette_pattern: str = "*.pkl"
    aliases: tuple[str, ...] = field(default=())
    keys: str = ".*"
