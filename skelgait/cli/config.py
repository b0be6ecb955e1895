"""`skelgait config`: every setting of a command, and where its value comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_json, show_table


def config(
    ctx: typer.Context,
    command: Annotated[str | None, typer.Argument(help="A command; all of them where not given.")] = None,
    dataset: options.Dataset = None,
    network: options.Network = None,
    preset: options.Preset = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Show the settings of a command, and where each value comes from."""
    from skelgait.settings import explain

    rows = explain(options.resolve_with_sources(ctx, command or ""), command)
    if as_json:
        show_json({key: {"value": value, "from": origin} for key, value, origin in rows})
    else:
        title = f"Settings of skelgait {command}" if command else "All settings"
        show_table(title, ("setting", "value", "from"), ((key, str(value), origin) for key, value, origin in rows))
