"""Evaluation protocols as YAML files: the fields of `Protocol`, with published metrics in percent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from re import findall
from typing import Any, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from skelgait.datasets import Protocol
from skelgait.datasets.protocol import Metric, is_of_verification
from skelgait.errors import SettingsError
from skelgait.models.registry import NETWORKS
from skelgait.settings.problems import InvalidSettingsError, found_as, message_of
from skelgait.settings.yaml_files import dump_yaml, read_yaml

# A dataclass takes no configuration of its own here: it takes that of what stands around it.
_PROTOCOL = TypeAdapter(tuple[Protocol], config=ConfigDict(extra="forbid", strict=True))
_MESSAGES = {
    "missing": "is missing",
    "tuple_type": "should be a list: put it in [ ]",
    "dataclass_type": "should have keys and values",
    "dict_type": "should have keys and values",
    "string_type": "should be a string: put it in quotes",
}
_MOST_RANKS = 10**9


def read_protocol(path: Path) -> Protocol:
    """Read a protocol from a YAML file.

    Its keys are the fields of `skelgait.datasets.Protocol`; a group may leave out `probes`, and published metrics are
    in percent.

    Raises:
        SettingsError: the file cannot be read, or some keys or values are not usable (all of them are named).
    """
    content = _plain(path)
    for _, table in _entries(content.get("tables")):
        if table.get("kind") == "verification":
            table.setdefault("metrics", ["eer"])
        for _, group in _entries(table.get("groups")):
            group.setdefault("probes", [])
    problems = list(_contradictions(content))
    try:
        # As JSON, because there a list may stand for a tuple, and a mapping for a dataclass, where all is strict.
        (protocol,) = _PROTOCOL.validate_json(to_json([content]))
    except ValidationError as error:
        problems = [*map(_line, error.errors()), *problems]
    if problems:
        raise InvalidSettingsError(path, [f"{path}: {problem}" for problem in problems])
    return _with_published(protocol, lambda percent: percent / 100)


def protocol_to_yaml(protocol: Protocol) -> str:
    """The text of a file that `read_protocol` reads as `protocol`."""
    in_percent = _with_published(protocol, lambda share: round(100 * share, 10))
    return dump_yaml(_PROTOCOL.dump_python((in_percent,), mode="json")[0])


def _with_published(protocol: Protocol, convert: Callable[[float], float]) -> Protocol:
    published = {
        network: {group: convert(metric) for group, metric in metrics.items()}
        for network, metrics in protocol.published.items()
    }
    return replace(protocol, published=published)


def _plain(path: Path) -> dict[str, Any]:
    """What a file holds, in the types that JSON has too: YAML's dates are strings."""
    try:
        content: dict[str, Any] = from_json(to_json(read_yaml(path)))
    except ValueError as error:  # an alias that stands within what it is an alias of, or half a character
        raise SettingsError(path, f"what cannot be written out ({error})", "plain YAML", "correct the file") from error
    return content


def _line(problem: Any) -> str:
    """Where a mistake is, what is wrong, and the nearest of the names that would be right."""
    keys = problem["loc"][1:]
    place = ".".join(map(str, keys))
    if problem["type"] == "unexpected_keyword_argument":
        inside = next((key for key in reversed(keys[:-1]) if isinstance(key, str)), "")
        return f"{place}: no such key; {_hint(keys[-1], dict(_keys(Protocol))[inside])}"
    if problem["type"] in _MESSAGES:
        return f"{place}: {_MESSAGES[problem['type']]}{found_as(problem['input'])}"
    choices = findall("'(.*?)'", problem.get("ctx", {}).get("expected", ""))
    near = _near(problem["input"], choices)
    return f"{place}: {message_of(problem)}{f'; did you mean {near}?' if near else ''}"


def _keys(kind: Any, name: str = "") -> Iterator[tuple[str, Collection[str]]]:
    """The keys of a dataclass and of those within it, by the key under which each stands."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        yield name, hints
        for inner, hint in hints.items():
            yield from _keys(hint, inner)
    for part in get_args(kind):
        yield from _keys(part, name)


def _contradictions(content: dict[str, Any]) -> Iterator[str]:
    """What is wrong though it may have the right type; what has a wrong one is passed over."""
    if content.get("tables") == []:
        yield "tables: should have at least one table"
    for i, table in _entries(content.get("tables")):
        yield from (f"tables.{i}.{key}: should not be empty" for key in ("groups", "metrics") if table.get(key) == [])
        yield from _wrong_kind_of_metrics(table, f"tables.{i}.metrics")
        names: list[object] = []
        for j, group in _entries(table.get("groups")):
            name, place = group.get("name"), f"tables.{i}.groups.{j}"
            if name in names:
                yield f"{place}.name: should be another than that of the groups before it{found_as(name)}"
            names.append(name)
            yield from _without_gallery(group, place)
    yield from _wrong_submission(content.get("submission"))
    yield from _wrong_metrics(content)


def _wrong_kind_of_metrics(table: dict[str, Any], place: str) -> Iterator[str]:
    """Verification has metrics of its own."""
    kind, metrics = table.get("kind"), table.get("metrics", ["rank_1"])
    for metric in metrics if isinstance(metrics, list) else ():
        if metric in get_args(Metric) and is_of_verification(metric) != (kind == "verification"):
            wanted = "eer or tar_at_far_0.01" if kind == "verification" else "rank_1 or mean_ap"
            yield f"{place}: should be of the table's kind, {kind}, such as {wanted}{found_as(metric)}"


def _without_gallery(part: dict[str, Any], place: str) -> Iterator[str]:
    if part.get("gallery") == []:
        yield f"{place}.gallery: should have at least one pattern of conditions, such as nm-0*"


def _wrong_submission(submission: object) -> Iterator[str]:
    if not isinstance(submission, dict):
        return
    yield from _without_gallery(submission, "submission")
    if submission.get("probes") == []:
        yield "submission.probes: should have at least one pattern of conditions, such as nm-0*"
    ranks = submission.get("ranks")
    if isinstance(ranks, int) and not 1 <= ranks <= _MOST_RANKS:
        yield f"submission.ranks: should be from 1 to {_MOST_RANKS}{found_as(ranks)}"


def _wrong_metrics(content: dict[str, Any]) -> Iterator[str]:
    """Published metrics that are none, and those of networks and groups that there are not."""
    published, tables = content.get("published"), _entries(content.get("tables"))
    groups = [str(group.get("name")) for _, table in tables[:1] for _, group in _entries(table.get("groups"))]
    for network, metrics in published.items() if isinstance(published, dict) else ():
        if network not in NETWORKS:
            yield f"published.{network}: no such network; {_hint(network, NETWORKS)}"
        for group, metric in metrics.items() if isinstance(metrics, dict) else ():
            place = f"published.{network}.{group}"
            if groups and group not in groups:
                yield f"{place}: no such group in the first table; {_hint(group, groups)}"
            if isinstance(metric, int | float) and not isinstance(metric, bool) and not 1 <= metric <= 100:
                yield f"{place}: should be in percent, from 1 to 100{found_as(metric)}"


def _entries(value: object) -> list[tuple[int, dict[str, Any]]]:
    """The mappings in a list, numbered by their place; none where it is no list."""
    return [(i, entry) for i, entry in enumerate(value if isinstance(value, list) else ()) if isinstance(entry, dict)]


def _hint(name: object, known: Collection[str]) -> str:
    near = _near(name, known)
    return f"did you mean {near}?" if near else f"known here are {', '.join(known)}"


def _near(name: object, known: Collection[str]) -> str | None:
    """The one that is most like a name, however it is spelled: `Rank-1` is like `rank_1`."""
    spelled = {one.lower().replace("-", "_"): one for one in known}
    near = get_close_matches(str(name).lower().replace("-", "_"), spelled, n=1, cutoff=0.5)
    return spelled[near[0]] if near else None
