"""SUSTech1K has every walk at two rates, which files tell by their names, and which do not pair with each other."""

from __future__ import annotations

from skelgait.errors import DataError
from skelgait.storage import Key, SequenceSource

# Camera frames, and those that are synchronized with the laser scanner.
_SILHOUETTES_OF = {"03-": "06-", "11-sync-": "14-sync-"}


def check_rates(key: Key, maps: SequenceSource, silhouettes: SequenceSource) -> None:
    """See that maps and silhouettes of a sequence are of one rate, where their files' names tell.

    Raises:
        DataError: they are of two rates.
    """
    map_name, silhouette_name = maps.name(key), silhouettes.name(key)
    of_maps = next((own for start, own in _SILHOUETTES_OF.items() if map_name.startswith(start)), None)
    of_silhouettes = next((own for own in _SILHOUETTES_OF.values() if silhouette_name.startswith(own)), None)
    if of_maps and of_silhouettes and of_maps != of_silhouettes:
        found = f"{silhouette_name}, which is of another rate than the maps {map_name}"
        hint = f"use --silhouette-pattern '{of_maps}*Camera-Sils_aligned.pkl', or maps of the other rate"
        raise DataError(silhouettes.path.joinpath(*key), found, f"silhouettes {of_maps}*", hint)
