"""What the bridge says about itself: the goodness of twins and the health of connections."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from drivers.data_types import DataType
from drivers.driver import Traffic
from drivers.errors import DeviceTimeout, LinkLost
from drivers.link import Link, LinkState
from drivers.readings import Readings
from drivers.status import Status
from server.config.diagnostics import connection_diagnostics, twin_diagnostics
from server.config.plant import Connection, Plant, Scope, Tag, Twin
from server.diagnostics import Diagnostics
from server.tags.table import TagTable
from tests.simulators.virtual_time import virtual_time


class StillDriver:
    """A driver that is only looked at."""

    def __init__(self) -> None:
        self.traffic = Traffic(requests=12)

    async def connect(self) -> None: ...

    async def close(self) -> None: ...


def build(tree: dict[str, tuple[int, tuple[str, ...]]], root: str = "P", diagnostics: bool = True) -> Plant:
    """tree: name -> (telemetry tags, children). One connection, c1, and one tag that nothing describes."""
    tags: list[Tag] = []

    def twin(name: str) -> Twin:
        count, below = tree[name]
        children = tuple(twin(child) for child in below)
        own = tuple(Tag(len(tags) + k, f"S{k}", f"{name}/S{k}", DataType.Double) for k in range(count))
        tags.extend(own)
        extra = twin_diagnostics(name, len(tags)) if diagnostics else ()
        tags.extend(extra)
        return Twin(name, name, Scope.asset, "", "", {}, own, (), (), extra, children)

    twins = (twin(root),)
    connected = connection_diagnostics("c1", len(tags))
    tags.extend(connected)
    odd = Tag(len(tags), "SomethingElse", "Connections/c1/SomethingElse", DataType.Double)
    tags.append(odd)
    return Plant("P", "", None, {"c1": Connection("c1", "memory", None, (), (*connected, odd))}, twins, tuple(tags))


class Rig:
    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.table = TagTable([tag.data_type for tag in plant.tags])
        self.link = Link("c1", StillDriver())
        self.diagnostics = Diagnostics(plant, self.table, {"c1": self.link})
        self.row = {tag.path: tag.row for tag in plant.tags}

    def set(self, path: str, status: int) -> None:
        self.table.commit(Readings.uniform([self.row[path]], status, 1))

    def value(self, path: str) -> object:
        return self.table.python_value(self.row[path])


TREE = {"P": (0, ("A", "B")), "A": (2, ("A1",)), "A1": (2, ()), "B": (1, ("E",)), "E": (0, ())}


def test_a_twin_counts_its_own_tags_and_those_of_all_below_it():
    rig = Rig(build(TREE))
    for path in ("A/S0", "A1/S0", "A1/S1"):
        rig.set(path, Status.Good)
    rig.set("A/S1", Status.UncertainLastUsableValue)
    rig.diagnostics.update()
    assert {name: rig.value(f"{name}/BadTags") for name in TREE} == {"P": 2, "A": 1, "A1": 0, "B": 1, "E": 0}
    fractions = {name: rig.value(f"{name}/GoodFraction") for name in TREE}
    assert fractions == pytest.approx({"P": 60.0, "A": 75.0, "A1": 100.0, "B": 0.0, "E": 100.0})


def test_only_what_changed_is_committed():
    rig = Rig(build(TREE))
    first = rig.diagnostics.update()
    assert first == 2 * len(TREE) + len(connection_diagnostics("c1", 0)) - 2  # no latencies yet
    assert rig.diagnostics.update() == 0
    rig.set("A1/S0", Status.Good)
    assert rig.diagnostics.update() == 6  # both of A1, A and P


@virtual_time
async def test_a_connection_tells_its_state_errors_and_latency():
    rig = Rig(build(TREE))
    c1 = "Connections/c1/"

    async def answer() -> None:
        await asyncio.sleep(0.02)

    async def silence() -> None:
        raise DeviceTimeout("no answer within 1 s")

    async def serve() -> None:
        await rig.link.request(answer)
        with pytest.raises(DeviceTimeout):
            await rig.link.request(silence)
        await asyncio.Event().wait()

    rig.diagnostics.update()
    assert [rig.value(c1 + name) for name in ("State", "LastError", "Errors")] == [LinkState.Disconnected, "", 0]
    running = asyncio.create_task(rig.link.run(serve))
    await asyncio.sleep(0.5)
    rig.link.driver.traffic.malformed = 2
    rig.link.driver.traffic.last_malformed = "topic a/b: no JSON"
    rig.diagnostics.update()
    shown = {name: rig.value(c1 + name) for name in ("State", "LastError", "Requests", "Errors", "Reconnects")}
    assert shown == {
        "State": LinkState.Connected,
        "LastError": "Malformed: topic a/b: no JSON",
        "Requests": 12,
        "Errors": 3,
        "Reconnects": 0,
    }
    assert rig.value(c1 + "LatencyP50") == pytest.approx(20.0)
    assert rig.value(c1 + "SomethingElse") is None
    rig.link.note(LinkLost("reset by peer"))
    rig.diagnostics.update()
    assert rig.value(c1 + "LastError") == "LinkLost: reset by peer"
    running.cancel()
    await asyncio.wait([running])


@virtual_time
async def test_it_updates_every_second_until_it_is_cancelled():
    rig = Rig(build(TREE))
    running = asyncio.create_task(rig.diagnostics.run())
    await asyncio.sleep(0.5)
    rig.set("B/S0", Status.Good)
    assert rig.value("B/BadTags") == 1
    await asyncio.sleep(1)
    assert rig.value("B/BadTags") == 0
    running.cancel()
    await asyncio.wait([running])


def test_a_plant_without_diagnostics_tags_or_links_has_nothing_to_fill():
    plant = build(TREE, diagnostics=False)
    table = TagTable([tag.data_type for tag in plant.tags])
    assert Diagnostics(plant, table, {}).update() == 0
    assert Diagnostics(Plant("P", "", None, {}, (), ()), TagTable([]), {}).update() == 0


def test_a_pass_over_fifty_thousand_tags_takes_less_than_five_milliseconds():
    machines = {f"M{number}": (100, ()) for number in range(500)}
    rig = Rig(build({"P": (0, tuple(machines)), **machines}))
    rows = np.array([tag.row for twin in rig.plant.walk() for tag in twin.telemetry], np.int32)
    rig.table.commit(Readings.uniform(rows, Status.Good, 1))
    assert min(_seconds(rig, rows[k::7]) for k in range(7)) < 0.005


def _seconds(rig: Rig, bad: np.ndarray) -> float:
    rig.table.mark(bad, Status.UncertainLastUsableValue, Status.BadNoCommunication)
    start = time.perf_counter()
    assert rig.diagnostics.update()
    return time.perf_counter() - start


def test_a_twin_counts_the_doubtful_values_of_its_own_tags_and_of_those_below():
    rig = Rig(build(TREE))
    doubtful = np.zeros(len(rig.table), np.bool_)
    doubtful[[rig.row["A/S0"], rig.row["A1/S1"]]] = True
    Diagnostics(rig.plant, rig.table, {}, lambda: doubtful).update()
    assert {name: rig.value(f"{name}/QualityProblems") for name in TREE} == {"P": 2, "A": 2, "A1": 1, "B": 0, "E": 0}
