"""`skelgait protocol`: what `skelgait evaluate` computes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_json


def protocol(
    ctx: typer.Context,
    protocol: Annotated[str, typer.Argument(help="A dataset's, a YAML file, or custom, as the settings have it.")],
    as_json: options.Json = False,
) -> None:
    """Show a protocol as YAML: what to begin one of your own with, and a check of it."""
    chosen = options.resolve(ctx, "evaluate")

    from skelgait.pipelines.workspace import protocol_of
    from skelgait.settings import protocol_to_yaml

    found = protocol_of(chosen)
    if as_json:
        show_json(asdict(found))
    else:
        typer.echo(protocol_to_yaml(found), nl=False)
