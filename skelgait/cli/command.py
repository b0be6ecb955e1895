"""Commands: a function, the settings that are its flags, and two examples."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from inspect import Parameter, Signature, getdoc, signature
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args

import typer
from rich.markup import escape
from typer.core import TyperCommand

from skelgait.cli.failures import writable_stdout
from skelgait.opengait.flags import to_current
from skelgait.runtime.interrupts import cleanup_on_interrupt

if TYPE_CHECKING:
    from skelgait.settings import Resolved

GENERAL = "General"
DATA = "Input and output"
COMPUTE = "Compute"

Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.", rich_help_panel=GENERAL)]
_SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="<path>",
        help="Settings file, skelgait or OpenGait; default: skelgait.yaml.",
        rich_help_panel=GENERAL,
    ),
]
_Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="<key=value>",
        help="Any setting, as train.optimizer.learning_rate=0.05; may be repeated.",
        rich_help_panel=GENERAL,
    ),
]
_GENERAL_PARAMETERS = (
    Parameter("settings_file", Parameter.KEYWORD_ONLY, default=None, annotation=_SettingsFile),
    Parameter("assignments", Parameter.KEYWORD_ONLY, default=None, annotation=_Assignments),
)
_ROOT_FLAGS = {"--debug": "debug", "--verbose": "verbose", "-v": "verbose"}


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        run: function of the command. Its parameter `settings` receives the resolved settings, `resolved` the same with
            their origins. Its other parameters are arguments and flags that are no settings. Its docstring is the help.
        flags: dotted keys of the settings that are flags, by heading in the help.
        arguments: dotted keys of the settings that are positional arguments.
        examples: command lines shown in the help.
    """

    run: Callable[..., None]
    flags: Mapping[str, Sequence[str]]
    arguments: Sequence[str]
    examples: Sequence[str]

    @property
    def name(self) -> str:
        """Return the name that is typed."""
        return self.run.__name__

    def for_typer(self) -> Callable[..., None]:
        """Return a function that typer understands: it has a parameter per flag, resolves the settings and runs."""
        # Imported when a command needs its flags, to keep `skelgait --help` fast.
        from skelgait.cli import options
        from skelgait.storage.lock import wait_for_locks

        # The types of these two are not evaluated, because that would import all of the settings.
        declared = signature(self.run, eval_str=True, locals={"Settings": None, "Resolved": None}).parameters
        has_settings = "settings" in declared or "resolved" in declared
        of_settings = {
            **{key: options.argument(key) for key in self.arguments},
            **{key: options.flag(key, panel) for panel, keys in self.flags.items() for key in keys},
        }
        others = [
            parameter.replace(kind=Parameter.KEYWORD_ONLY)
            for name, parameter in declared.items()
            if name not in ("settings", "resolved")
        ]

        def run(**values: Any) -> None:
            arguments = {parameter.name: values[parameter.name] for parameter in others}
            if has_settings:
                given = {key: values[parameter.name] for key, parameter in of_settings.items()}
                resolved = _resolve(given, values["settings_file"], values["assignments"] or [])
                if "resolved" in declared:
                    arguments["resolved"] = resolved
                else:
                    arguments["settings"] = resolved.settings
                with wait_for_locks(resolved.settings.wait), cleanup_on_interrupt():
                    self.run(**arguments)
                return
            with cleanup_on_interrupt():
                self.run(**arguments)

        general = _GENERAL_PARAMETERS if has_settings else ()
        parameters = [_for_all_typers(parameter) for parameter in (*of_settings.values(), *general, *others)]
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return run


def _for_all_typers(parameter: Parameter) -> Parameter:
    """Return a parameter as typer 0.12 and newer versions take it.

    Typer before 0.12.4 knows `X | None` as `Optional[X]` only, and shows a default of None.
    """
    kind, option = get_args(parameter.annotation)
    # Python 3.10 takes `X | None` and `Optional[X]` with the same option for the same type.
    option = copy(option)
    option.show_default = False
    if isinstance(kind, UnionType):
        kind = Union[get_args(kind)]  # noqa: UP007
    return parameter.replace(annotation=Annotated[kind, option])


def command(
    *examples: str, flags: Mapping[str, Sequence[str]] | None = None, arguments: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Command]:
    """Declare a function as a command, see `Command`."""
    return lambda run: Command(run, flags or {}, arguments, examples)


class SettingsCommand(TyperCommand):
    """Typer's form of a `Command`. Builds the flags on first use; accepts the flags of OpenGait too.

    Args:
        command: the command.
        panel: heading above the command in `skelgait --help`.
    """

    def __init__(self, command: Command, panel: str) -> None:
        # Older versions of typer join lines that have no empty line between them.
        examples = "\n\n".join(["Examples:", *(f"$ {escape(example)}" for example in command.examples)])
        super().__init__(
            command.name, help=getdoc(command.run), epilog=examples, rich_markup_mode="rich", rich_help_panel=panel
        )
        self._command = command

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Build the flags, then parse."""
        if self.callback is None:
            app = typer.Typer(add_completion=False)
            app.command()(self._command.for_typer())
            built = typer.main.get_command(app)
            self.params, self.callback = built.params, built.callback
        return super().make_context(*args, **kwargs)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        with writable_stdout():
            super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Pass flags of `skelgait` itself to it, translate flags of OpenGait, then parse."""
        ctx.parent.params.update({_ROOT_FLAGS[arg]: True for arg in args if arg in _ROOT_FLAGS})
        set_log_level(verbose=ctx.parent.params.get("verbose", False))
        rest = [arg for arg in args if arg not in _ROOT_FLAGS]
        return super().parse_args(ctx, to_current(self._command.name, rest))

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters; `--help` is listed among the general flags."""
        parameters = tidy_types(super().get_params(ctx))
        for parameter in parameters:
            if "--help" in parameter.opts:
                parameter.rich_help_panel = GENERAL
        return parameters


def tidy_types(parameters: list[Any]) -> list[Any]:
    """Replace typer's names of types in the help: `<bool>` by nothing, `<str>` by `<text>`."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        elif parameter.param_type_name == "argument" and _typer_type(parameter) in ("<str>", "<list[str]>"):
            parameter.display_type_rich = lambda ctx: "<text>"  # noqa: ARG005
    return parameters


def _typer_type(parameter: Any) -> str | None:
    """Return the type that typer shows for a parameter; older versions of typer show that of click, TEXT."""
    return parameter.display_type(None) if hasattr(parameter, "display_type") else None


def set_log_level(*, verbose: bool) -> None:
    """Log progress (`verbose`), or only warnings and errors."""
    logging.getLogger("skelgait").setLevel(logging.INFO if verbose else logging.WARNING)


def _resolve(given: Mapping[str, Any], file: Path | None, assignments: Sequence[str]) -> Resolved:
    """Return the settings from flags, environment, settings file and preset; print their warnings."""
    from skelgait.cli.options import parse_flag
    from skelgait.cli.output import warn
    from skelgait.settings import load_settings, parse_assignment

    flags = {key: parse_flag(key, value) for key, value in given.items() if value not in (None, [])}
    flags.update(map(parse_assignment, assignments))
    resolved = load_settings(file=file, flags=flags)
    warn(resolved.warnings, at_most=None)
    return resolved
