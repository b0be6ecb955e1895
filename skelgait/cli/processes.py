"""Several processes of one command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from skelgait.runtime.process_group import ProcessGroup


@contextmanager
def processes_on(device: str, nproc: int) -> Iterator[ProcessGroup]:
    """Run the block in `nproc` processes, each on its device. One process needs no torch.

    Args:
        device: name of the device, or `auto`.
        nproc: number of processes. If they still have to be started, this process starts them and exits.

    Yields:
        Group of the processes.
    """
    from skelgait.runtime.launch import launch, launched
    from skelgait.runtime.process_group import SINGLE, process_group

    if not launched():
        if nproc > 1:
            from skelgait.runtime.devices import require_torch

            require_torch("--nproc", "use --nproc 1")
            raise typer.Exit(launch(nproc, sys.argv[1:]))
        yield SINGLE
        return
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.processes import join_processes

    with join_processes(pick_device(device)):
        yield process_group()
