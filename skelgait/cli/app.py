"""The application: its commands in the order in which they are used, and what all of them share."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from skelgait import __version__
from skelgait.cli.checkpoint import checkpoint
from skelgait.cli.commands import Commands, TolerantCommand, set_log_level
from skelgait.cli.compare import compare
from skelgait.cli.config import config
from skelgait.cli.convert import convert
from skelgait.cli.demo import demo
from skelgait.cli.embed import embed
from skelgait.cli.evaluate import evaluate
from skelgait.cli.heatmap import heatmap
from skelgait.cli.identify import identify
from skelgait.cli.inspect import inspect
from skelgait.cli.link import link
from skelgait.cli.poses import poses
from skelgait.cli.protocol import protocol
from skelgait.cli.runs import runs
from skelgait.cli.show import show
from skelgait.cli.silhouettes import silhouettes
from skelgait.cli.synth import synth
from skelgait.cli.train import train

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    demo, inspect, poses, silhouettes, heatmap, link, train, embed, evaluate, compare, identify, protocol, runs,
    checkpoint, show, convert, synth, config,
):  # fmt: skip
    app.command(cls=TolerantCommand)(_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skelgait {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is being done.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Recognize people by how they walk, from the skeletons that pose estimators give."""
    logger = logging.getLogger("skelgait")
    console = Console(stderr=True)
    handler: logging.Handler = RichHandler(console=console, show_path=False, show_time=False)
    if not console.is_terminal:  # plain lines, because RichHandler would fold them
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    logger.handlers = [handler]
    logger.propagate = False
    set_log_level(verbose=verbose)


def main() -> None:
    """Run the command line."""
    app(prog_name="skelgait")
