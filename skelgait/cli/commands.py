"""How commands are called: errors in one line, and the old spelling of flags understood."""

from __future__ import annotations

import logging
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from skelgait.errors import SkelgaitError
from skelgait.opengait.flags import to_current

_SHARED = {"--debug": "debug", "--verbose": "verbose", "-v": "verbose"}


class Commands(TyperGroup):
    """The group of all commands; shows skelgait's own errors without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a `SkelgaitError` ends it with exit code 1 and its message on stderr."""
        try:
            return super().invoke(ctx)
        except SkelgaitError as error:
            if ctx.params.get("debug"):
                raise
            typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
            from skelgait.runtime.launch import wait_for_rank_zero

            wait_for_rank_zero()
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            from skelgait.runtime.launch import INTERRUPTED

            typer.secho("Stopped.", err=True)
            raise typer.Exit(INTERRUPTED) from None


class TolerantCommand(TyperCommand):
    """A command that also takes the flags of all commands, and those of OpenGait."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hand shared flags to the group of all commands, translate old flags, then parse."""
        ctx.parent.params.update({_SHARED[arg]: True for arg in args if arg in _SHARED})
        set_log_level(verbose=ctx.parent.params["verbose"])
        own = [arg for arg in args if arg not in _SHARED]
        return super().parse_args(ctx, to_current(self.name or "", own))


def set_log_level(*, verbose: bool) -> None:
    """Log what is being done, or only what is amiss."""
    logging.getLogger("skelgait").setLevel(logging.INFO if verbose else logging.WARNING)
