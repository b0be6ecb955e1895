"""`skelgait config`: value and origin of every setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.completion import complete_section
from skelgait.cli.output import show_json, show_table

if TYPE_CHECKING:
    from skelgait.settings import Resolved

_Command = Annotated[
    str | None,
    typer.Argument(metavar="COMMAND", help="Command; default: all.", autocompletion=complete_section),
]


@command(
    "skelgait config",
    "skelgait config train --dataset CCPG --set train.seed=3",
    flags={DATA: ("dataset", "train.network.name", "preset")},
)
def config(resolved: Resolved, command: _Command = None, as_json: Json = False) -> None:
    """Show the value and the origin of every setting."""
    from skelgait.settings import explain

    rows = explain(resolved, command)
    if as_json:
        show_json({key: {"value": value, "from": origin} for key, value, origin in rows})
    else:
        title = f"Settings of skelgait {command}" if command else "All settings"
        show_table(title, ("setting", "value", "from"), ((key, str(value), origin) for key, value, origin in rows))
