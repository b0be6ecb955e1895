"""Command line application: commands by group, and the flags that all of them share."""

from __future__ import annotations

import logging
import os
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from typer.core import TyperGroup

from skelgait import __version__
from skelgait.cli.checkpoint import checkpoint
from skelgait.cli.command import SettingsCommand, set_log_level, tidy_types
from skelgait.cli.compare import compare
from skelgait.cli.config import config
from skelgait.cli.convert import convert
from skelgait.cli.demo import demo
from skelgait.cli.embed import embed
from skelgait.cli.enroll import enroll
from skelgait.cli.evaluate import evaluate
from skelgait.cli.export import export
from skelgait.cli.failures import one_line_failures, prepare_streams, writable_stdout
from skelgait.cli.gallery import gallery
from skelgait.cli.heatmap import heatmap
from skelgait.cli.identify import identify
from skelgait.cli.inspect import inspect
from skelgait.cli.link import link
from skelgait.cli.output import show_text
from skelgait.cli.poses import poses
from skelgait.cli.protocol import protocol
from skelgait.cli.runs import runs
from skelgait.cli.show import show
from skelgait.cli.silhouettes import silhouettes
from skelgait.cli.synth import synth
from skelgait.cli.train import train
from skelgait.cli.video import video
from skelgait.errors import SettingsError
from skelgait.runtime.interrupts import INTERRUPTED, say_stopped
from skelgait.runtime.parent import end_with_launcher

COMMANDS = {
    "Start": (demo, inspect),
    "Prepare data": (video, poses, silhouettes, heatmap, link, convert, synth),
    "Train and evaluate": (train, embed, evaluate, compare, runs, export),
    "Identify": (enroll, gallery, identify),
    "Inspect and configure": (show, checkpoint, protocol, config),
}
"""Commands in the order of the help, by heading."""


class Commands(TyperGroup):
    """Group of all commands; prints skelgait's errors in one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for panel, commands in COMMANDS.items():
            for command in commands:
                self.add_command(SettingsCommand(command, panel))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands in the order of the help; older versions of typer sort them."""
        return list(self.commands)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the flags of `skelgait` itself."""
        return tidy_types(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        with writable_stdout():
            super().format_help(ctx, formatter)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the flags of `skelgait` itself."""
        with one_line_failures({}):
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command. An error, or Ctrl-C, ends it with one line on stderr and a code other than 0."""
        try:
            with one_line_failures(ctx.params):
                return super().invoke(ctx)
        except KeyboardInterrupt:
            say_stopped()
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(ctx: typer.Context, is_given: bool) -> None:
    if not is_given:
        return
    if ctx.params["every"]:
        from skelgait.runtime.versions import installed_versions

        show_text("\n".join(f"{name} {version}" for name, version in installed_versions().items()))
    else:
        show_text(f"skelgait {__version__}")
    raise typer.Exit


@app.callback()
def root(
    version: Annotated[  # noqa: ARG001 - used by its callback
        bool, typer.Option("--version", callback=_show_version, help="Show the version.")
    ] = False,
    # Eager: parsed before --version, which reads it.
    every: Annotated[
        bool, typer.Option("--all", is_eager=True, help="With --version: show the versions of all libraries too.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log each step.")] = False,
    debug: Annotated[  # noqa: ARG001 - used by Commands.invoke
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Gait recognition from skeletons: recognize people by the way they walk."""
    if every:
        raise SettingsError("--all", "without --version", "both", "write skelgait --version --all")
    logger = logging.getLogger("skelgait")
    console = Console(stderr=True)
    from skelgait.runtime.logs import PrintableFormatter

    handler: logging.Handler = RichHandler(console=console, show_path=False, show_time=False)
    handler.setFormatter(PrintableFormatter("%(message)s"))
    if not console.is_terminal:  # RichHandler would fold the lines
        handler = logging.StreamHandler()
        handler.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    logger.handlers = [handler]
    logger.propagate = False
    set_log_level(verbose=verbose)


def main() -> None:
    """Run the command line."""
    end_with_launcher()
    # pydantic would look for plugins in every installed package, and `--help` wait for it.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    prepare_streams()
    with writable_stdout():
        app(prog_name="skelgait")
