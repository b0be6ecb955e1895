"""Translation of OpenGait's command line flags, for example `--pose_data_path P` to `--poses P`."""

from __future__ import annotations

from skelgait.errors import SettingsError

_SETTINGS = {"--config": "--settings", "--cfgs": "--settings"}
_RENAMED = {
    "heatmap": {
        **_SETTINGS,
        "--pose_data_path": "--poses",
        "--save_root": "--maps",
        "--dataset_name": "--dataset",
        "--heatmap_cfg_path": "--settings",
        "--heatemap_cfg_path": "--settings",
    },
    "link": {
        **_SETTINGS,
        "--heatmap_data_path": "--maps",
        "--silhouette_data_path": "--silhouettes",
        "--output_path": "--pairs",
        "--dataset_name": "--dataset",
        "--dataset_pkl_ext_name": "--silhouette-pattern",
    },
    "train": _SETTINGS,
    "evaluate": _SETTINGS,
    "config": _SETTINGS,
    "synth": _SETTINGS,
    "show": _SETTINGS,
    "convert": _SETTINGS,
    "demo": {},
}
_PHASES = {"train": "train", "evaluate": "test"}


def to_current(command: str, args: list[str]) -> list[str]:
    """Translate OpenGait flags; other arguments stay unchanged.

    Args:
        command: name of the command.
        args: arguments after the command.

    Raises:
        SettingsError: if `--phase` is that of another command, or `--ext_name` is given without `--save_root`.
    """
    renamed = _RENAMED.get(command, {})
    current: list[str] = []
    extension = ""
    remaining = iter(_split(args))
    for arg in remaining:
        if arg == "--log_to_file" and command in _PHASES:
            continue  # skelgait always writes a log file
        elif arg == "--phase" and command in _PHASES:
            _check_phase(command, next(remaining, ""))
        elif arg == "--iter" and command in _PHASES:
            current += _iteration(command, next(remaining, ""))
        elif arg == "--ext_name" and command == "heatmap":
            extension = next(remaining, "")
        elif arg == "--dataset_pkl_ext_name" and command == "link":
            # The OpenGait flag is the end of the file name.
            current += [renamed[arg], "*" + next(remaining, "").lstrip("*")]
        else:
            current.append(renamed.get(arg, arg))
    return _with_extension(current, extension)


def _split(args: list[str]) -> list[str]:
    """Split `--flag=value` of OpenGait flags into two arguments."""
    flags = {name for names in _RENAMED.values() for name in names} | {"--phase", "--iter", "--ext_name"}
    return [word for arg in args for word in (arg.split("=", 1) if arg.split("=")[0] in flags else [arg])]


def _check_phase(command: str, phase: str) -> None:
    if phase != _PHASES[command]:
        hint = "use `skelgait evaluate`" if phase == "test" else "use `skelgait train`"
        raise SettingsError("--phase", phase or "no value", _PHASES[command], hint)


def _iteration(command: str, number: str) -> list[str]:
    """Return the flags for `--iter`: the checkpoint to resume from or to test; 0: none."""
    if number == "0":
        return []
    return [*(["--resume"] if command == "train" else []), "--iteration", number]


def _with_extension(args: list[str], extension: str) -> list[str]:
    """Add `--ext_name`, a suffix of the maps folder."""
    if not extension:
        return args
    if "--maps" not in args[:-1]:
        raise SettingsError("--ext_name", extension, "a maps folder to add it to", "pass --save_root too")
    i = args.index("--maps") + 1
    return [*args[:i], f"{args[i].rstrip('/')}_{extension}", *args[i + 1 :]]
