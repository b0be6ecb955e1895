"""`skelgait embed`: embeddings of sequences, written to one file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_counts, show_json, show_lines, warn
from skelgait.cli.processes import processes_on

if TYPE_CHECKING:
    from skelgait.settings import Resolved


@command(
    "skelgait embed --dataset CCPG --out embeddings.h5",
    "skelgait embed --checkpoint best.pt --maps maps --identities all",
    flags={
        DATA: ("dataset", "paths.maps", "paths.pairs", "partition", "embed.identities", "embed.out", "wait"),
        "Network": (
            "train.network.name", "preset", "embed.checkpoint", "embed.iteration", "embed.best", "paths.runs",
            "train.run_name", "embed.max_frames",
        ),
        COMPUTE: ("embed.device", "embed.nproc", "embed.batch_size"),
    },
)  # fmt: skip
def embed(resolved: Resolved, as_json: Json = False) -> None:
    """Compute embeddings with a trained network.

    The embedding file is the input of `skelgait evaluate --embeddings` and `skelgait identify`.
    """
    from skelgait.pipelines.embed import embed_run
    from skelgait.runtime.progress import progress

    settings = resolved.settings
    config = settings.embed
    with processes_on(config.device, config.nproc), progress(None, "Embedding", "sequences") as advance:
        report = embed_run(settings, advance, resolved.requested_network())
    if report is None:
        return
    if as_json:
        show_json(asdict(report))
        return
    facts = {**asdict(report), "missing": str(report.missing or "nobody")}
    hint = facts.pop("hint")
    show_counts(f"Embeddings of {report.network}", facts)
    if hint:
        show_lines("Hint", [hint])
    cut = f"{report.truncated} of {report.sequences} sequences were longer than embed.max_frames and were cut"
    warn([*([cut] if report.truncated else []), *([str(report.missing)] if report.missing else [])])
