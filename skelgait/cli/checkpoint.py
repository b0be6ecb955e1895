"""`skelgait checkpoint`: what a checkpoint file is, which preset it fits, and what is missing in it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_facts, show_json, show_lines, show_table

if TYPE_CHECKING:
    from skelgait.checkpoints.describe import CheckpointReport, WeightsReport
    from skelgait.checkpoints.mismatch import Shape, WeightMismatches

_KINDS = {
    "skelgait": "a checkpoint of skelgait",
    "opengait": "a checkpoint of OpenGait",
    "weights": "weights alone",
}
_SHOWN_AT_MOST = 20


def checkpoint(
    path: Annotated[Path, typer.Argument(help="A checkpoint: skelgait, OpenGait, or weights alone.")],
    as_json: options.Json = False,
) -> None:
    """Say what a checkpoint is, which preset it fits, and what is missing; exit code 1 if it cannot be loaded."""
    from skelgait.checkpoints.describe import describe_checkpoint

    report = describe_checkpoint(path)
    if as_json:
        show_json({**asdict(report), "loadable": report.weights.is_loadable})
    else:
        _show(report)
    if not report.weights.is_loadable:
        raise typer.Exit(1)


def _show(report: CheckpointReport) -> None:
    weights = report.weights
    facts = {**_network_facts(weights), **_training_facts(report)}
    title = f"{report.path}: {_KINDS[report.kind]}"
    show_facts(title, {_plain(name): _plain(value) for name, value in facts.items()})
    show_lines("Presets", _preset_lines(weights))
    if report.remarks:
        show_lines("Remarks", report.remarks)
    if weights.is_loadable:
        show_lines("Next", [report.next_command])
    else:
        _show_mismatches(weights.mismatches)
        show_lines("It cannot be loaded", [report.hint])


def _show_mismatches(mismatches: WeightMismatches) -> None:
    # The many that may be missing come last.
    kinds = {
        "of wrong shape": [
            (name, _shape(found), _shape(wanted)) for name, (found, wanted) in mismatches.wrong_shape.items()
        ],
        "of wrong type": [(name, found, wanted) for name, (found, wanted) in mismatches.wrong_dtype.items()],
        "unexpected": [(name, _shape(found), "-") for name, found in mismatches.unexpected.items()],
        "missing": [(name, "-", _shape(wanted)) for name, wanted in mismatches.missing.items()],
    }
    counts = ", ".join(f"{len(rows)} {kind}" for kind, rows in kinds.items() if rows)
    rows = [(_plain(name), kind, found, wanted) for kind, rows in kinds.items() for name, found, wanted in rows]
    show_table(f"Weights that do not fit: {counts}", ("weight", "is", "found", "expected"), rows[:_SHOWN_AT_MOST])
    if len(rows) > _SHOWN_AT_MOST:
        typer.echo(f"... and {len(rows) - _SHOWN_AT_MOST} more (all of them with --json)")


def _network_facts(weights: WeightsReport) -> dict[str, object]:
    architecture = weights.architecture
    facts: dict[str, object] = {
        "network": architecture.name,
        "channels": " ".join(map(str, architecture.channels)),
        "blocks": " ".join(map(str, architecture.blocks)),
        "strips": architecture.strips,
        "embedding_width": architecture.embedding_width,
        "classes": architecture.classes,
    }
    for name in weights.unknown_sizes:
        facts[name] = "unknown" if name == "classes" else f"{facts[name]} (in part a guess: no weight tells)"
    millions = f"{weights.parameters:,} ({weights.parameters / 1e6:.2f} million)"
    return {name.replace("_", " "): value for name, value in facts.items()} | {"parameters": millions}


def _training_facts(report: CheckpointReport) -> dict[str, object]:
    facts: dict[str, object] = {
        "iteration": "not told" if report.iteration is None else report.iteration,
        "tested at": f"embedding {report.test_embedding}" if report.test_embedding else "what the settings say",
        "holds also": ", ".join(report.states) or "nothing",
        "can be resumed": _resumption(report),
    }
    if report.version is not None:
        facts["skelgait"] = report.version
    facts |= dict(report.settings)
    facts |= {f"data: {name}": value for name, value in report.data.items()}
    return {**facts, "size": f"{report.size_bytes / 1e6:.1f} MB"}


def _resumption(report: CheckpointReport) -> str:
    if report.resumable:
        return "yes"
    return "no; skelgait train --init begins anew with its weights" if report.weights.is_loadable else "no"


def _preset_lines(weights: WeightsReport) -> list[str]:
    fitting = [preset.preset for preset in weights.presets if preset.is_exact]
    if fitting:
        return [f"fits {', '.join(fitting)}"]
    classes = "unknown" if "classes" in weights.unknown_sizes else weights.architecture.classes
    near = [
        f"fits {preset.preset} but for the classes: {classes} instead of {preset.classes}" for preset in weights.presets
    ]
    return near or ["fits none"]


def _shape(shape: Shape) -> str:
    return f"({', '.join('classes' if size is None else str(size) for size in shape)})"


def _plain(value: object) -> str:
    """In one line, and without characters that a terminal would obey: a file may hold anything."""
    text = shorten(str(value), 100)
    return text if text.isprintable() else ascii(text)
