"""YAML files of evaluation protocols: the fields of `Protocol`, with published metrics in percent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from re import findall
from typing import Any, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from skelgait.datasets import Protocol
from skelgait.datasets.custom import OPEN_SET_METRICS
from skelgait.errors import PathLike, SettingsError
from skelgait.matching.metrics import METRICS, find_metric, is_metric
from skelgait.models.registry import NETWORKS
from skelgait.settings.problems import MAX_PROBLEMS, InvalidSettingsError, found_as, message_of, more_problems
from skelgait.storage.yaml_files import dump_yaml, read_yaml

_MESSAGES = {
    "missing": "is missing",
    "tuple_type": "should be a list: put it in [ ]",
    "dataclass_type": "should have keys and values",
    "dict_type": "should have keys and values",
    "string_type": "should be a string: put it in quotes",
}
_EXAMPLES = {"verification": "eer or tar_at_far_0.01", "open_set": "fnir_at_fpir_0.01 or dir_at_fpir_0.01"}
_MAX_RANKS = 10**9


def read_protocol(path: PathLike) -> Protocol:
    """Read a protocol from a YAML file.

    The keys are the fields of `skelgait.datasets.Protocol`. A group may omit `probes`. Published metrics are in
    percent.

    Raises:
        SettingsError: if the file cannot be read, or keys or values are invalid; names all of them.
    """
    path = Path(path)
    content = _read_json_types(path)
    for _, table in _entries(content.get("tables")):
        metrics = {"verification": ["eer"], "open_set": list(OPEN_SET_METRICS)}.get(str(table.get("kind")))
        if metrics:
            table.setdefault("metrics", metrics)
        for _, group in _entries(table.get("groups")):
            group.setdefault("probes", [])
    problems = list(islice(_content_problems(content), MAX_PROBLEMS))
    try:
        # From JSON, strict validation accepts a list for a tuple and a mapping for a dataclass.
        (protocol,) = _adapter().validate_json(to_json([content]))
    except ValidationError as error:
        found = error.errors()
        problems = [*map(_line, found[:MAX_PROBLEMS]), *more_problems(len(found) - MAX_PROBLEMS), *problems]
    if problems:
        raise InvalidSettingsError(path, [f"{path}: {problem}" for problem in problems])
    return _with_published(protocol, lambda percent: percent / 100)


def protocol_to_yaml(protocol: Protocol) -> str:
    """Return `protocol` as YAML text that `read_protocol` reads."""
    in_percent = _with_published(protocol, lambda fraction: round(100 * fraction, 10))
    return dump_yaml(_adapter().dump_python((in_percent,), mode="json")[0])


@cache
def _adapter() -> TypeAdapter[tuple[Protocol]]:
    # A dataclass takes the configuration of the type around it, so the protocol is put into a tuple.
    return TypeAdapter(tuple[Protocol], config=ConfigDict(extra="forbid", strict=True))


def _with_published(protocol: Protocol, convert: Callable[[float], float]) -> Protocol:
    published = tuple(
        replace(result, values={group: convert(value) for group, value in result.values.items()})
        for result in protocol.published
    )
    return replace(protocol, published=published)


def _read_json_types(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file in the types of JSON: dates become strings."""
    try:
        content: dict[str, Any] = from_json(to_json(read_yaml(path)))
    except ValueError as error:  # a recursive alias, or an incomplete Unicode character
        raise SettingsError(path, f"invalid values ({error})", "plain YAML", "correct the file") from error
    return content


def _line(problem: Any) -> str:
    """Return dotted key and reason of a problem, with the most similar valid name."""
    keys = problem["loc"][1:]
    dotted = ".".join(map(str, keys))
    if problem["type"] == "unexpected_keyword_argument":
        section = next((key for key in reversed(keys[:-1]) if isinstance(key, str)), "")
        return f"{dotted}: no such key; {_hint(keys[-1], dict(_keys(Protocol))[section])}"
    if problem["type"] in _MESSAGES:
        return f"{dotted}: {_MESSAGES[problem['type']]}{found_as(problem['input'])}"
    choices = findall("'(.*?)'", problem.get("ctx", {}).get("expected", ""))
    near = _near(problem["input"], choices)
    return f"{dotted}: {message_of(problem)}{f'; did you mean {near}?' if near else ''}"


def _keys(kind: Any, name: str = "") -> Iterator[tuple[str, Collection[str]]]:
    """Yield the keys of a dataclass and of the dataclasses inside it, each with the key of its section."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        yield name, hints
        for inner, hint in hints.items():
            yield from _keys(hint, inner)
    for part in get_args(kind):
        yield from _keys(part, name)


def _content_problems(content: dict[str, Any]) -> Iterator[str]:
    """Yield problems that types do not show; skips values of a wrong type."""
    if content.get("tables") == []:
        yield "tables: should have at least one table"
    for i, table in _entries(content.get("tables")):
        yield from (f"tables.{i}.{key}: should not be empty" for key in ("groups", "metrics") if table.get(key) == [])
        yield from _metric_problems(table, f"tables.{i}.metrics")
        yield from _enrollment_problems(table, f"tables.{i}")
        names: list[object] = []
        for j, group in _entries(table.get("groups")):
            name, key = group.get("name"), f"tables.{i}.groups.{j}"
            if name in names:
                yield f"{key}.name: should differ from the groups before it{found_as(name)}"
            names.append(name)
            yield from _gallery_problems(group, key)
    yield from _submission_problems(content.get("submission"))
    yield from _published_problems(content)


def _metric_problems(table: dict[str, Any], key: str) -> Iterator[str]:
    """Yield metrics that do not belong to the kind of table."""
    kind, metrics = table.get("kind"), table.get("metrics", ["rank_1"])
    for i, metric in enumerate(metrics if isinstance(metrics, list) else ()):
        if not isinstance(metric, str):
            continue
        if not is_metric(metric):
            near = _near(metric, METRICS)
            hint = f"; did you mean {near}?" if near else ""
            yield f"{key}.{i}: should be {', '.join(map(repr, METRICS))}{found_as(metric)}{hint}"
        elif find_metric(metric).kind != (kind if kind in _EXAMPLES else "ranks"):
            examples = _EXAMPLES.get(str(kind), "rank_1 or mean_ap")
            yield f"{key}: should be a metric of kind {kind}, such as {examples}{found_as(metric)}"


def _enrollment_problems(table: dict[str, Any], key: str) -> Iterator[str]:
    """Yield values of an open set that are out of range."""
    not_enrolled, draws = table.get("not_enrolled"), table.get("draws")
    if isinstance(not_enrolled, int | float) and not 0 < not_enrolled < 1:
        yield f"{key}.not_enrolled: should be between 0 and 1, both excluded{found_as(not_enrolled)}"
    if isinstance(draws, int) and draws < 1:
        yield f"{key}.draws: should be at least 1{found_as(draws)}"


def _gallery_problems(section: dict[str, Any], key: str) -> Iterator[str]:
    if section.get("gallery") == []:
        yield f"{key}.gallery: should have at least one condition pattern, such as nm-0*"


def _submission_problems(submission: object) -> Iterator[str]:
    if not isinstance(submission, dict):
        return
    yield from _gallery_problems(submission, "submission")
    if submission.get("probes") == []:
        yield "submission.probes: should have at least one condition pattern, such as nm-0*"
    ranks = submission.get("ranks")
    if isinstance(ranks, int) and not 1 <= ranks <= _MAX_RANKS:
        yield f"submission.ranks: should be from 1 to {_MAX_RANKS}{found_as(ranks)}"


def _published_problems(content: dict[str, Any]) -> Iterator[str]:
    """Yield published values that are not percentages, or belong to an unknown network, metric, table or group."""
    tables = [table for _, table in _entries(content.get("tables"))]
    titles = [str(table.get("title")) for table in tables]
    for i, result in _entries(content.get("published")):
        key, network, metric = f"published.{i}", result.get("network"), result.get("metric")
        title, values = result.get("table") or "", result.get("values")
        if isinstance(network, str) and network not in NETWORKS:
            yield f"{key}.network: no such network; {_hint(network, NETWORKS)}"
        if isinstance(metric, str) and not is_metric(metric):
            yield f"{key}.metric: no such metric; {_hint(metric, METRICS)}"
        if title and title not in titles:
            yield f"{key}.table: no such table; {_hint(title, titles)}"
        table = tables[titles.index(title) if title in titles else 0] if tables else {}
        groups = [str(group.get("name")) for _, group in _entries(table.get("groups"))]
        for group, value in values.items() if isinstance(values, dict) else ():
            if groups and group not in groups:
                yield f"{key}.values.{group}: no such group in the table; {_hint(group, groups)}"
            if isinstance(value, int | float) and not isinstance(value, bool) and not 1 <= value <= 100:
                yield f"{key}.values.{group}: should be in percent, from 1 to 100{found_as(value)}"


def _entries(value: object) -> list[tuple[int, dict[str, Any]]]:
    """Return the mappings in a list with their indices; empty if `value` is not a list."""
    return [(i, entry) for i, entry in enumerate(value if isinstance(value, list) else ()) if isinstance(entry, dict)]


def _hint(name: object, known: Collection[str]) -> str:
    near = _near(name, known)
    return f"did you mean {near}?" if near else f"known: {', '.join(known)}"


def _near(name: object, known: Collection[str]) -> str | None:
    """Return the most similar known name, ignoring case and dashes: `Rank-1` is like `rank_1`."""
    spellings = {known_name.lower().replace("-", "_"): known_name for known_name in known}
    near = get_close_matches(str(name).lower().replace("-", "_"), spellings, n=1, cutoff=0.5)
    return spellings[near[0]] if near else None
