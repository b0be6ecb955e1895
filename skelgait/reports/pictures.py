"""The pictures of a report in its folder, and the page that shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skelgait.reports.page import write_page
from skelgait.reports.plots import plots_of
from skelgait.reports.retrieval_sheet import save_retrieval_sheet
from skelgait.reports.rows import Report
from skelgait.storage import SequenceSource
from skelgait.storage.atomic import atomic_write

if TYPE_CHECKING:
    from skelgait.evaluation.retrieval import Retrieved

PAGE = "report.html"
_LONGEST = 60


def save_pictures(
    folder: Path, report: Report, retrieved: Mapping[str, Sequence[Retrieved]], source: SequenceSource | None
) -> list[Path]:
    """Save the pictures of a report, and the page that shows all of them; each file whole or not at all.

    `cmc.png`, `views-<n>.png` and `roc.png`, see `plots_of`; `retrieval-<group>.png` for each group with probes, where
    letters that do not do in every file system are replaced; `report.html`.

    Args:
        folder: where; made if it is missing.
        report: the report as plain data.
        retrieved: some probes and their nearest gallery entries, by group.
        source: the sequences, to show them; text alone where None.

    Returns:
        The files, the page last.

    Raises:
        SettingsError: matplotlib is not installed.
        DataError: a file cannot be written.
    """
    pictures: dict[str, Path] = {}
    for plot in plots_of(report):
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
    """Names for files, all different, whether the file system tells capital letters from small ones or not."""
    taken: set[str] = set()
    found = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", name)[:_LONGEST] or "_"
        unique, n = plain, 1
        while unique.lower() in taken:
            n += 1
            unique = f"{plain}-{n}"
        taken.add(unique.lower())
        found.append(unique)
    return found


def _retrieval_title(group: str, probes: Sequence[Retrieved]) -> str:
    shown = f"{len(probes)} probe{'s' if len(probes) > 1 else ''}, evenly spaced, not chosen by the result"
    return f"Retrieval of {group}: {shown}, and the gallery entries nearest to each; a tick is right, a cross is wrong"
