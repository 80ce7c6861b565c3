"""`uatwin alarms`: the rationalisation table of a plant's rules, and how the alarms behave, of the running bridge or by
the events that were kept."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np

from drivers.readings import TICKS_PER_SECOND, now_ticks
from server.alarms.alarms import of_plant
from server.alarms.definitions import AlarmDefinition, Transitions
from server.alarms.describe import condition_text, severity_text
from server.alarms.hygiene import Hygiene
from server.config.load import PlantFileError, load_plant
from server.config.plant import Plant
from server.control import Answer, NotRunning, ask
from server.history.events_store import EventsStore
from server.history.store import StoreError
from server.runner import data_folder
from server.services.past_events import decode

WRONG_INPUT: Final = 2
WORST: Final = 10
_ACTIVE: Final = ((0, "ActiveState"), (0, "Id"))
_MOST_EVENTS: Final = 200_000
_HOUR_S: Final = 3600.0
_MOST_PATHS: Final = 3


def show_alarms(file: Path, as_json: bool, hours: float) -> int:
    """Print it; hours: how far to look back in the kept events, where no bridge runs. Returns the exit code."""
    try:
        plant = load_plant(file)
    except PlantFileError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    behaviour = _of_bridge(plant) or _of_events(plant, hours)
    if as_json:
        print(json.dumps({"alarms": [_data(one) for one in of_plant(plant)], "behaviour": behaviour}, indent=1))
        return 0
    print("\n".join([*_table(of_plant(plant)), "", *_told(behaviour)]))
    return 0


def _data(one: AlarmDefinition) -> dict[str, Any]:
    return {
        "path": one.path,
        "rule": one.origin,
        "type": str(one.type),
        "condition": condition_text(one),
        "severities": {level.name: severity for level, severity in one.severities.items()},
        **{key: getattr(one, key) for key in ("deadband", "on_delay_s", "off_delay_s", "message", "description")},
        **{key: getattr(one, key) for key in ("cause", "consequence", "response", "needs_confirm", "enabled")},
    }


def _table(definitions: Sequence[AlarmDefinition]) -> Iterator[str]:
    """A block for each rule, with the alarms it makes."""
    of_rule = sorted(definitions, key=_rule)
    rules = [list(group) for _, group in groupby(of_rule, _rule)]
    yield f"{len(definitions)} alarms of {len(rules)} kinds"
    for alarms in rules:
        one = alarms[0]
        paths = ", ".join(alarm.owner for alarm in alarms[:_MOST_PATHS])
        more = f" and {len(alarms) - _MOST_PATHS} more" if len(alarms) > _MOST_PATHS else ""
        yield ""
        yield f"{one.origin}{'' if one.enabled else ' (disabled)'}: {paths}{more}"
        for name, text in _lines(one):
            yield f"  {name:<12}{text}"


def _rule(one: AlarmDefinition) -> tuple[str, str, str, str]:
    """Equal for alarms that one rule makes of machines of one type."""
    return one.origin, condition_text(one), severity_text(one), one.response


def _lines(one: AlarmDefinition) -> Iterator[tuple[str, str]]:
    deadband = f", deadband {one.deadband:g}" if one.deadband else ""
    off = f", {one.off_delay_s:g} s to end" if one.off_delay_s else ""
    yield "when", f"{condition_text(one)}{deadband}{off}"
    yield "severity", severity_text(one)
    for key in ("message", "cause", "consequence", "response"):
        if text := getattr(one, key):
            yield key, text


def _of_bridge(plant: Plant) -> dict[str, Any] | None:
    """What the running bridge says; None where none runs."""
    told: list[Answer] = []
    try:
        asyncio.run(ask(plant.name, {"do": "alarms", "worst": WORST}, told.append))
    except NotRunning:
        return None
    return {"source": "the running bridge", "hours": 1.0, **told[0]} if told and "worst" in told[0] else None


def _of_events(plant: Plant, hours: float) -> dict[str, Any]:
    """The same by the events that were kept, without what only the bridge knows."""
    path = data_folder(plant) / "events" / "events.sqlite"
    if not path.exists():
        return {"source": "", "hours": hours, "worst": []}
    index = {one.path: number for number, one in enumerate(of_plant(plant))}
    hygiene, now = Hygiene(), now_ticks()
    since = now - round(hours * _HOUR_S * TICKS_PER_SECOND)
    try:
        store = EventsStore(path)
        try:
            events = store.read(None, (since, 0), now, _MOST_EVENTS, audit=False)
        finally:
            store.close()
    except StoreError as error:
        print(error, file=sys.stderr)
        return {"source": "", "hours": hours, "worst": []}
    for past in events:
        event = decode(past.body)
        number = index.get(str(event.condition.Identifier)) if event.condition is not None else None
        if number is not None and _ACTIVE in event.fields:
            hygiene.note(_turn(number, bool(event.fields[_ACTIVE].Value)), len(index), past.time_ticks)
    worst = [asdict(one) for one in hygiene.worst(of_plant(plant), now, WORST)]
    figures = {"alarms": hygiene.total, "floods": hygiene.floods, "fleeting": hygiene.fleeting}
    return {"source": f"the events of the last {hours:g} h", "hours": hours, **figures, "worst": worst}


def _turn(alarm: int, active: bool) -> Transitions:
    level, nothing = np.array([active], np.uint8), np.zeros(1, np.int64)
    return Transitions(np.array([alarm], np.int32), level, nothing.astype(np.uint32), nothing, np.zeros(1))


def _told(behaviour: Mapping[str, Any]) -> Iterator[str]:
    if not behaviour["source"]:
        yield "No bridge of this plant runs here and it kept no events: how the alarms behave is not known"
        return
    yield f"By {behaviour['source']}:"
    if "per_hour" in behaviour:
        flood = ", a flood now" if behaviour["flooding"] else ""
        yield (
            f"  {behaviour['per_hour']} alarms within the last hour, {behaviour['active']} active, "
            f"{behaviour['chattering']} chattering, {behaviour['stale']} stale, {behaviour['floods']} floods{flood}"
        )
    else:
        rate = behaviour["alarms"] / behaviour["hours"]
        yield f"  {behaviour['alarms']} alarms, {rate:.1f} an hour, {behaviour['floods']} floods"
    if not behaviour["worst"]:
        yield "  no alarm became active"
        return
    yield f"  {'worst':<60} {'last hour':>9} {'in all':>7} {'fleeting':>8}"
    for one in behaviour["worst"]:
        marks = [mark for mark in ("active", "chattering", "stale") if one[mark]]
        counts = f"{one['per_hour']:>9} {one['total']:>7} {one['fleeting']:>8}"
        yield f"  {one['path']:<60} {counts}  {', '.join(marks)}".rstrip()
