"""Pictures of a report, and the HTML page that shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skelgait.reports.page import write_page
from skelgait.reports.plots import available_plots
from skelgait.reports.retrieval_sheet import save_retrieval_sheet
from skelgait.reports.rows import Report
from skelgait.storage import SequenceSource
from skelgait.storage.atomic import atomic_write
from skelgait.storage.lock import lock_folder
from skelgait.viz.plot_style import require_matplotlib

if TYPE_CHECKING:
    from skelgait.evaluation.retrieval import Retrieved

PAGE = "report.html"
_MAX_CHARACTERS = 60


def save_pictures(
    folder: Path, report: Report, retrieved: Mapping[str, Sequence[Retrieved]], source: SequenceSource | None
) -> list[Path]:
    """Save the pictures of a report and the page `report.html` that shows them; each file is written atomically.

    The pictures are those of `available_plots`, and `retrieval-<group>.png` for each group with probes.

    Args:
        folder: output folder; it is created if it is missing.
        report: report as plain data.
        retrieved: probes with their nearest gallery entries, by group.
        source: source of the sequences to show; None: only their names are shown.

    Returns:
        Paths of all files; the page is the last.

    Raises:
        SettingsError: if matplotlib is not installed.
        DataError: if a file cannot be written.
    """
    require_matplotlib("--pictures")
    with lock_folder(folder):
        return _save(folder, report, retrieved, source)


def _save(
    folder: Path, report: Report, retrieved: Mapping[str, Sequence[Retrieved]], source: SequenceSource | None
) -> list[Path]:
    pictures: dict[str, Path] = {}
    for plot in available_plots(report):
        path = folder / plot.name
        with atomic_write(path) as partial:
            partial.write_bytes(plot.png)
        pictures[f"{plot.title} ({path.name})"] = path
    for name, (group, probes) in zip(safe_names(list(retrieved)), retrieved.items(), strict=True):
        if probes:
            path = folder / f"retrieval-{name}.png"
            save_retrieval_sheet(path, probes, source)
            pictures[f"{_retrieval_title(group, probes)} ({path.name})"] = path
    write_page(folder / PAGE, report, pictures)
    return [*pictures.values(), folder / PAGE]


def safe_names(names: Sequence[str]) -> list[str]:
    """Return distinct file names, also on file systems that ignore case; special characters are replaced."""
    taken: set[str] = set()
    safe = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", name)[:_MAX_CHARACTERS] or "_"
        unique, n = plain, 1
        while unique.lower() in taken:
            n += 1
            unique = f"{plain}-{n}"
        taken.add(unique.lower())
        safe.append(unique)
    return safe


def _retrieval_title(group: str, probes: Sequence[Retrieved]) -> str:
    count = f"{len(probes)} probe{'s' if len(probes) > 1 else ''}, evenly spaced and not selected by their result,"
    return f"Retrieval of {group}: {count} with their nearest gallery entries; tick: correct, cross: wrong"
