"""How commands are called: errors in one line, and the old spelling of flags understood."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from skelgait.cli.old_flags import to_current
from skelgait.errors import SkelgaitError


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
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            typer.secho("Stopped.", err=True)
            raise typer.Exit(130) from None


class TolerantCommand(TyperCommand):
    """A command that also takes the flags of the authors' scripts."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Translate old flags, then parse."""
        return super().parse_args(ctx, to_current(self.name or "", args))
