"""Several processes of one command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import torch

    from skelgait.runtime.process_group import ProcessGroup


@contextmanager
def processes_on(device: str, nproc: int) -> Iterator[torch.device]:
    """Run the block in `nproc` processes, each on its device.

    Args:
        device: name of the device, or `auto`.
        nproc: number of processes. If they still have to be started, this process starts them and exits.

    Yields:
        Device of this process.
    """
    _start(nproc)
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.processes import join_processes

    picked = pick_device(device)
    with join_processes(picked):
        yield picked


@contextmanager
def processes_on_cpu(nproc: int) -> Iterator[ProcessGroup]:
    """Run the block in `nproc` processes, as `processes_on`; yields their group. One process needs no torch."""
    _start(nproc)
    from skelgait.runtime.launch import launched
    from skelgait.runtime.process_group import SINGLE

    if not launched():
        yield SINGLE
        return
    import torch

    from skelgait.runtime.processes import join_processes, process_group

    with join_processes(torch.device("cpu")):
        yield process_group()


def _start(nproc: int) -> None:
    """Start the processes and exit with their exit code; do nothing if this is one of them."""
    from skelgait.runtime.launch import launch, launched

    if nproc > 1 and not launched():
        raise typer.Exit(launch(nproc, sys.argv[1:]))
