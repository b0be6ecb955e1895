"""End of a command that fails: one line on stderr, and an exit code other than 0."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer

from skelgait import __version__
from skelgait.cli.output import CLOSED_PIPE, show_text, unwritable
from skelgait.display import printable
from skelgait.errors import SkelgaitError, reason_of
from skelgait.runtime.interrupts import discard_stdout

_UsageError: type[Exception] = typer.BadParameter.__mro__[2]  # typer does not name this base class of usage errors


_NO_OUTPUT = {errno.ENOSPC, errno.EIO, errno.EBADF}


@contextmanager
def one_line_failures(flags: Mapping[str, Any]) -> Iterator[None]:
    """End the program with one line if the block raises an error.

    Args:
        flags: flags of `skelgait` itself; with `debug`, errors are raised as they are, with their tracebacks.
    """
    try:
        yield
    except _UsageError as error:
        error.message = printable(error.message)  # type: ignore[attr-defined] # it contains what was typed
        raise
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if flags.get("debug"):
            raise
        _exit_with(error if isinstance(error, SkelgaitError) else _unforeseen(error))


def _exit_with(error: SkelgaitError) -> NoReturn:
    with suppress(SkelgaitError, OSError):  # stderr cannot be written
        show_text(f"Error: {error}", fg=typer.colors.RED, err=True)
    from skelgait.runtime.launch import wait_for_rank_zero

    wait_for_rank_zero()
    raise typer.Exit(1) from error


def _unforeseen(error: Exception) -> SkelgaitError:
    """Return the error to show for one that skelgait should have foreseen."""
    if isinstance(error, MemoryError):
        hint = "use fewer --workers, a smaller batch, or a machine with more memory"
        return SkelgaitError("memory", "more than there is", "a command that fits into it", hint)
    if type(error).__name__ == "OutOfMemoryError":  # of torch, which is not imported here
        hint = "lower train.sampling.sequences_per_identity or clip_len, --batch-size, or use --device cpu"
        return SkelgaitError("memory of the device", "more than there is", "a batch that fits into it", hint)
    if type(error).__module__.startswith(("torch._dynamo.", "torch._inductor.")):
        found = f"{type(error).__name__} ({reason_of(error)})"
        hint = "leave out --compile, or run `skelgait --debug train ...` to see the messages of the compiler"
        return SkelgaitError("--compile", found, "a network that torch.compile can compile on this machine", hint)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "torch":
        from skelgait.runtime.devices import INSTALL_TORCH

        return SkelgaitError("this command", "no PyTorch", "PyTorch, which it needs", f"run `{INSTALL_TORCH}`")
    if _lacks_opencv(error):
        found = "no files of it; its packages share them, so they are gone when one of two is uninstalled"
        hint = "run `pip install --force-reinstall --no-deps opencv-python`"
        return SkelgaitError("OpenCV", found, "a complete package cv2", hint)
    if isinstance(error, OSError) and error.filename is not None:
        hint = "check the path, its permissions, and the space on its disk"
        found = error.strerror or type(error).__name__
        return SkelgaitError(os.fsdecode(error.filename), found, "a file or folder that can be used", hint)
    if isinstance(error, OSError) and error.errno in _NO_OUTPUT:  # of the help, which typer prints
        return unwritable("standard output", error)
    found = f"{type(error).__name__} ({reason_of(error)}), which is a bug in skelgait"
    return SkelgaitError(f"skelgait {__version__}", found, "no such error", f"please report it with {_record(error)}")


def _lacks_opencv(error: Exception) -> bool:
    """Return True if OpenCV cannot be imported, or only an empty folder of it is left."""
    if isinstance(error, ModuleNotFoundError):
        return (error.name or "").partition(".")[0] == "cv2"
    if not isinstance(error, AttributeError):
        return False
    return getattr(error.obj, "__name__", "") == "cv2" and getattr(error.obj, "__file__", None) is None


def _record(error: Exception) -> str:
    """Write the traceback of an error to a file, and return where it is; print it if it cannot be written."""
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="skelgait-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"skelgait {__version__}, Python {sys.version}\n{sys.argv}\n{text}")
    except OSError:
        with suppress(SkelgaitError):
            show_text("\n".join(map(printable, text.split("\n"))), err=True)
        return "the traceback above"
    return f"the traceback in {file.name}"


def prepare_streams() -> None:
    """Let names that the terminal cannot encode be printed with escapes, and refuse a closed stdout.

    Raises:
        SystemExit: if stdout is closed.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for as long as the process lives
    if sys.stdout is None:
        message = "Error: standard output: found a closed file, expected an open one; pass > /dev/null to ignore it"
        typer.echo(message, err=True)
        raise SystemExit(1)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def writable_stdout() -> Iterator[None]:
    """End the program with one line if stdout cannot be written, also by what prints the help.

    Raises:
        SystemExit: if it cannot.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
        raise SystemExit(CLOSED_PIPE) from None
    except OSError as error:
        with suppress(OSError):
            typer.echo(f"Error: {unwritable('standard output', error)}", err=True)
        raise SystemExit(1) from None
