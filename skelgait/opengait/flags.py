"""The flags of OpenGait, in today's words.

`--pose_data_path P` is read as `--poses P`, and so on; the values stay what they were.
"""

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
    """Translate the old flags in `args` of `command`; everything else stays as it is.

    Raises:
        SettingsError: `--phase` names what another command does.
    """
    renamed = _RENAMED.get(command, {})
    current: list[str] = []
    extension = ""
    rest = iter(_split(args))
    for arg in rest:
        if arg == "--log_to_file" and command in _PHASES:
            continue  # a log file is always written
        elif arg == "--phase" and command in _PHASES:
            _check_phase(command, next(rest, ""))
        elif arg == "--iter" and command in _PHASES:
            current += _iteration(command, next(rest, ""))
        elif arg == "--ext_name" and command == "heatmap":
            extension = next(rest, "")
        elif arg == "--dataset_pkl_ext_name" and command == "link":
            # The old flag gave the end of the name.
            current += [renamed[arg], "*" + next(rest, "").lstrip("*")]
        else:
            current.append(renamed.get(arg, arg))
    return _with_extension(current, extension)


def _split(args: list[str]) -> list[str]:
    """`--flag=value` of old flags as two words."""
    old = {name for names in _RENAMED.values() for name in names} | {"--phase", "--iter", "--ext_name"}
    return [word for arg in args for word in (arg.split("=", 1) if arg.split("=")[0] in old else [arg])]


def _check_phase(command: str, phase: str) -> None:
    if phase != _PHASES[command]:
        hint = "use `skelgait evaluate`" if phase == "test" else "use `skelgait train`"
        raise SettingsError("--phase", phase or "nothing", _PHASES[command], hint)


def _iteration(command: str, number: str) -> list[str]:
    """The old `--iter` names the checkpoint to go on from, or to test; 0 names none."""
    if number == "0":
        return []
    return [*(["--resume"] if command == "train" else []), "--iteration", number]


def _with_extension(args: list[str], extension: str) -> list[str]:
    """The old `--ext_name` distinguishes folders of maps: it is added to the folder's name."""
    if not extension:
        return args
    if "--maps" not in args[:-1]:
        raise SettingsError("--ext_name", extension, "a folder to add it to", "give --save_root as well")
    at = args.index("--maps") + 1
    return [*args[:at], f"{args[at].rstrip('/')}_{extension}", *args[at + 1 :]]
