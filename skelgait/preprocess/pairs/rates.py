"""Check of frame rates in SUSTech1K, which has every walk at two rates, with different file names."""

from __future__ import annotations

from skelgait.errors import DataError
from skelgait.storage import Key, SequenceSource

# Start of the silhouette file for the start of the pose file: camera frames, and frames synchronized with the LiDAR.
_SILHOUETTE_STARTS = {"03-": "06-", "11-sync-": "14-sync-"}


def check_rates(key: Key, maps: SequenceSource, silhouettes: SequenceSource) -> None:
    """Check that maps and silhouettes of a sequence have the same frame rate, if their file names show it.

    Raises:
        DataError: if the rates differ.
    """
    map_name, silhouette_name = maps.name(key), silhouettes.name(key)
    expected = next((start for pose, start in _SILHOUETTE_STARTS.items() if map_name.startswith(pose)), None)
    existing = next((start for start in _SILHOUETTE_STARTS.values() if silhouette_name.startswith(start)), None)
    if expected and existing and expected != existing:
        found = f"{silhouette_name}, which has another frame rate than the maps {map_name}"
        hint = f"use --silhouette-pattern '{expected}*Camera-Sils_aligned.pkl', or maps of the other rate"
        raise DataError(silhouettes.path.joinpath(*key), found, f"silhouettes {expected}*", hint)
