"""What `uatwin check` says about a plant file: its errors, or its twins, tags and what each connection has to do."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from drivers.driver import PlanReport
from drivers.registry import driver_type
from server.config.connections import bindings_of
from server.config.created import SECTION
from server.config.errors import PlantFileError
from server.config.load import load_plant
from server.config.plant import Connection, Plant, Twin
from server.config.publish import Publishing

_MOST_REQUESTS = 20
"""Requests of a plan that the text shows; the rest is summed up, and the JSON has them all."""


def check(path: Path, as_json: bool) -> int:
    """Check a plant file without touching the network. The report goes to stdout, errors to stderr; returns the exit
    code: 0 good, 2 with errors."""
    try:
        plant = load_plant(path)
    except PlantFileError as failed:
        for error in failed.errors:
            print(error, file=sys.stderr)
        count = len(failed.errors)
        print(f"{count} error{'s' if count > 1 else ''} in {path}", file=sys.stderr)
        if as_json:
            errors = [
                {"file": str(e.file), "line": e.line, "column": e.column, "message": e.message} for e in failed.errors
            ]
            print(json.dumps({"good": False, "errors": errors}, ensure_ascii=False, indent=1))
        return 2
    report = report_data(plant)
    print(json.dumps(report, ensure_ascii=False, indent=1) if as_json else "\n".join(_text(report)))
    return 0


def report_data(plant: Plant) -> dict[str, Any]:
    """The report as data, as `uatwin check --json` prints it. Sizes in bytes, rates per second, load as a share."""
    twins = list(plant.walk())
    fed = [tag for tag in plant.tags if tag.connection is not None]
    results = sum(len(twin.analytics) for twin in twins)
    return {
        "good": True,
        "plant": plant.name,
        "endpoint": plant.server.endpoint,
        "twins": len(twins),
        "created": len(plant.sections.get(SECTION, ())),
        "tags": len(fed),
        "commands": sum(tag.command is not None for tag in fed),
        "methods": sum(len(twin.methods) for twin in twins),
        "diagnostics": len(plant.tags) - len(fed) - results,
        "results": results,
        "alarms": len(plant.sections.get("rules", ())),
        "publishers": [_publisher(of) for of in plant.sections.get("publish") or ()],
        "scopes": {
            scope: {"twins": count, "tags": sum(_own_tags(twin) for twin in twins if twin.scope == scope)}
            for scope, count in Counter(str(twin.scope) for twin in twins).items()
        },
        "types": dict(Counter(twin.type_name for twin in twins if twin.type_name).most_common()),
        "data_types": dict(Counter(tag.data_type.name for tag in fed).most_common()),
        "connections": [_connection(connection) for connection in plant.connections.values()],
        "tree": [node.data() for node in _nodes(plant.twins)],
    }


@dataclass(frozen=True, slots=True)
class _Node:
    """Neighbouring twins of equal shape, as one line of the tree."""

    first: str
    last: str
    count: int
    twin: Twin
    below: tuple[_Node, ...]

    def data(self) -> dict[str, Any]:
        """For the report; a line of one twin has no last."""
        many = {"last": self.last, "count": self.count} if self.count > 1 else {}
        kind = {"type": self.twin.type_name} if self.twin.type_name else {}
        return {
            "name": self.first,
            **many,
            "scope": str(self.twin.scope),
            **kind,
            "tags": len(self.twin.telemetry),
            "commands": len(self.twin.commands),
            "children": [node.data() for node in self.below],
        }


def _nodes(twins: Sequence[Twin]) -> tuple[_Node, ...]:
    made = []
    for _, group in groupby(twins, _shape):
        equal = list(group)
        made.append(_Node(equal[0].name, equal[-1].name, len(equal), equal[0], _nodes(equal[0].children)))
    return tuple(made)


def _shape(twin: Twin) -> tuple[Any, ...]:
    """Equal for twins that differ in names and addresses only."""
    own = tuple(tag.name for tag in (*twin.telemetry, *twin.commands)) if not twin.type_name else ()
    return twin.scope, twin.type_name, own, tuple(_shape(child) for child in twin.children)


def _own_tags(twin: Twin) -> int:
    return len(twin.telemetry) + len(twin.commands)


def _connection(connection: Connection) -> dict[str, Any]:
    report: PlanReport = driver_type(connection.driver).report(connection.settings, bindings_of(connection.tags))
    return {
        "name": connection.name,
        "driver": connection.driver,
        "tags": len(connection.tags),
        "pushed_tags": report.pushed_tags,
        "requests_per_s": round(report.requests_per_s, 3),
        "bytes_per_s": round(report.bytes_per_s, 1),
        "load": None if report.load is None else round(report.load, 4),
        "requests": [
            {"what": request.what, "rate_s": request.rate_s, "tags": request.tags, "bytes": request.bytes_on_wire}
            for request in report.requests
        ],
    }


def _publisher(of: Publishing) -> dict[str, Any]:
    spec = of.spec
    form = "OPC UA PubSub JSON" if spec.pubsub else "Sparkplug B" if spec.sparkplug else "JSON"
    to = f"broker {spec.broker.host}" if spec.broker else f"Kafka {', '.join(spec.kafka.servers if spec.kafka else ())}"
    return {"name": of.name, "format": form, "to": to, "tags": len(of.paths), "reduced": len(of.reduce)}


def _text(report: dict[str, Any]) -> Iterator[str]:
    yield f"Plant {report['plant']} at {report['endpoint']}"
    yield (
        f"{_count(report['twins'], 'twin')}, {_count(report['tags'], 'tag')} ({report['commands']} of them commands), "
        f"{_count(report['methods'], 'command method')}, {report['diagnostics']} diagnostics, "
        f"{_count(report['results'], 'analytics result')}, "
        f"{_count(report['alarms'], 'alarm')}"
    )
    if report["created"]:
        yield f"{_count(report['created'], 'twin')} of these created because of their topics"
    yield ""
    for node in report["tree"]:
        yield from _branch(node, "  ")
    yield ""
    for scope, count in report["scopes"].items():
        yield f"  {scope:<10} {_count(count['twins'], 'twin'):>13} {_count(count['tags'], 'tag'):>13}"
    for name, count in report["types"].items():
        yield f"  type {name:<24} {_count(count, 'twin'):>13}"
    for connection in report["connections"]:
        yield ""
        yield from _plan(connection)
    if report["publishers"]:
        yield ""
    for of in report["publishers"]:
        said = f"{_count(of['tags'], 'tag')}, {of['reduced']} of them reduced"
        yield f"Publisher {of['name']} ({of['format']}) to {of['to']}: {said}"


def _branch(node: dict[str, Any], indent: str) -> Iterator[str]:
    name = node["name"] if "count" not in node else f"{node['name']} .. {node['last']} ({node['count']})"
    kind = f"{node['scope']} {node['type']}" if "type" in node else node["scope"]
    counts = [_count(node[key], word) for key, word in (("tags", "tag"), ("commands", "command")) if node[key]]
    yield f"{indent}{name:<{max(1, 52 - len(indent))}} {kind:<24} {', '.join(counts)}".rstrip()
    for child in node["children"]:
        yield from _branch(child, indent + "  ")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"


def _plan(connection: dict[str, Any]) -> Iterator[str]:
    pushed = f", {connection['pushed_tags']} of them pushed" if connection["pushed_tags"] else ""
    load = "" if connection["load"] is None else f", load {connection['load']:.0%}"
    load += " (more than it can carry: poll less often, or split it)" if (connection["load"] or 0) > 1 else ""
    yield f"Connection {connection['name']} ({connection['driver']}): {_count(connection['tags'], 'tag')}{pushed}"
    yield f"  {connection['requests_per_s']:g} requests/s, {connection['bytes_per_s']:g} bytes/s{load}"
    requests = connection["requests"]
    for request in requests[:_MOST_REQUESTS]:
        rate = f"every {request['rate_s']:g} s" if request["rate_s"] else ""
        yield f"    {request['what']:<52} {rate:<12} {_count(request['tags'], 'tag'):>9} {request['bytes']:>6} bytes"
    if len(requests) > _MOST_REQUESTS:
        rest = requests[_MOST_REQUESTS:]
        tags, size = sum(r["tags"] for r in rest), sum(r["bytes"] for r in rest)
        yield f"    ... and {len(rest)} more with {tags} tags and {size} bytes (--json shows them all)"
