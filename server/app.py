"""The bridge: every part of it, and how they hang together.

devices -> drivers -> Acquisition -> TagTable -> UaServer  -> clients
              ^                         |    \\-> Recent -> Analytics (in worker processes)
              +----- Commands <---------+-------- UaServer (Write, Call)
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analytics.model_store import ModelStore
from analytics.worker import Worker
from drivers.status import Status
from server.acquisition.acquisition import Acquisition
from server.address_space import AddressSpaceError, HistoryView, TwinSpace
from server.address_space.analytics_objects import AnalyticsObjects
from server.advice.advice import Advice
from server.alarms.alarms import Alarms, of_plant
from server.alarms.data_quality import DataQuality
from server.alarms.following import Following
from server.alarms.rule_book import RuleBook
from server.analysis.calibrating import Calibrating
from server.analysis.health_scores import HealthScores
from server.analysis.jobs import JobBook
from server.analysis.library import Library
from server.analysis.live import Live
from server.analysis.offers import Offers
from server.analysis.past import Past
from server.commands.executor import Commands
from server.config.plant import Plant, Tag, Twin
from server.config.renumber import renumber, retired
from server.diagnostics import Diagnostics
from server.history.history import History
from server.history.recent import Recent
from server.methods import Analytics
from server.publish.contract import Order
from server.publish.publishers import About, Publishers
from server.scenarios.scenarios import Scenarios
from server.scenarios.stage import Stage
from server.services.actions import AnalyticsActions, CommandActions, analytics_methods
from server.services.advice_events import AdviceEvents
from server.services.audit_events import AuditTrail
from server.services.job_events import JobEvents
from server.services.options import UaServerOptions
from server.services.rule_calls import RuleCalls
from server.services.scenario_calls import ScenarioCalls
from server.services.ua_server import UaServer
from server.tags.table import TagTable


@dataclass(frozen=True, slots=True)
class Figures:
    """What an operator wants to see at a glance. readings: committed so far; clients: sessions; not_good: tags of
    devices whose status is not Good, of all tags of devices; troubled: the connections those belong to."""

    readings: int
    clients: int
    not_good: int
    tags: int
    troubled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a changed plant file did. connections: those that were started anew or ended; added, removed: tags."""

    connections: tuple[str, ...]
    added: int
    removed: int


class Bridge:
    """Built from a plant; nothing runs before `run`."""

    def __init__(self, plant: Plant, options: UaServerOptions) -> None:
        self.plant = plant
        self.table = TagTable([int(tag.data_type) for tag in plant.tags], [tag.array_length for tag in plant.tags])
        self.acquisition = Acquisition(plant, self.table)
        self.commands = Commands(plant, self.table, self.acquisition)
        quality = DataQuality(plant, self.table)
        self.diagnostics = Diagnostics(plant, self.table, self.acquisition.links, quality.doubtful)
        self.alarms = Alarms(plant, self.table, quality)
        self.recent = Recent(self.table)
        self.history = History(plant, self.table, options.data / "history")
        past = HistoryView(self.history.historized, self._oldest_ticks)
        course = Past(self.recent, self.history, self._oldest_ticks)
        self.rules = RuleBook(self.alarms, lambda: self.plant, course.series, options.data / "rules" / "rules.yaml")
        self.worker = Worker()
        self.library, self.jobs = Library(ModelStore(options.data / "models")), JobBook()
        self.advice = Advice(
            plant,
            self.table,
            self.commands,
            options.data / "advice",
            lambda twin, function, arguments: self.analytics.ask(twin, function, arguments),
        )
        self.calibrating = Calibrating(options.data / "models")
        self.analytics = Analytics(
            self.table,
            course,
            self.worker,
            self.library,
            self.jobs,
            lambda: self.alarms.definitions,
            self._tag_at,
            lambda: self.plant.sections.get("analytics"),
            clock=lambda twin: self.scenarios.ticks_at(twin),
            beside=self.advice,
            calibrating=self.calibrating,
        )
        self.health = HealthScores(plant, self.table, lambda: self.alarms.definitions)
        self.alarms.on_definitions(lambda _: self.analytics.adopt())
        self.alarms.on_definitions(lambda _: self.health.forget())
        self.live = Live(plant, self.table, self.library, self.analytics.complete)
        self.following, self._offers = Following(self.alarms), Offers()
        self.space = TwinSpace(
            plant,
            self.table,
            analytics_methods(self._offers),
            self.following.conditions,
            objects=AnalyticsObjects(self.library, self.jobs, self.calibrating.told),
            past=past,
            faults=self.acquisition.fault_of,
            quality=quality.text,
        )
        self.library.on_change(self.space.forget_objects)
        self.jobs.on_list(self.space.forget_objects)
        self.calibrating.on_change(self.space.forget_objects)
        self._offer(options)
        self._rows = _rows_of(plant)

    def _offer(self, options: UaServerOptions) -> None:
        """What clients, scenarios and subscribers reach the parts by."""
        plant = self.plant
        self.scenarios = Scenarios(self._stage(), self.worker)
        self.trials = Commands(plant, self.table, self.scenarios)
        commands = CommandActions(self.commands, self.trials, self.scenarios.has)
        methods = AnalyticsActions(self.analytics, self.space.node_id)
        self.server = UaServer(options, self.table, self.space, commands, methods, self.history)
        for of_one in (self.commands, self.trials):
            of_one.on_audit(AuditTrail(self.server).note)
        ScenarioCalls(self.server, self.scenarios)
        RuleCalls(self.server, self.rules, self.alarms)
        self.jobs.on_transition(JobEvents(self.server).note)
        self.advice.notices.on(AdviceEvents(self.server).note)
        about = About(self.server.application_uri, options.application_name, lambda: (self.server.endpoint_url,))
        self.publishers = Publishers(plant, self.table, options.data, about, self._obey)

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until cancelled; `started` is called once clients can connect. Nothing is left running.

        Raises OSError when the endpoint's port is taken, and PkiError for a certificate that cannot be used.
        """
        gc.disable()  # starting makes half a million objects and next to no garbage: looking for it takes 0.6 s
        try:
            await self.library.open()
            await self.calibrating.open()
            await self.rules.open()
            await self.server.prepare()
            await self.advice.open()
            await self.following.restore(self.server.options.data / "alarms" / "conditions.sqlite")
            await self.server.start()
        finally:
            gc.enable()
        gc.freeze()  # what has been loaded stays: no need to look through it again and again
        try:
            started()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.history.run(), name="history")
                tasks.create_task(self.acquisition.run(), name="acquisition")
                tasks.create_task(self.diagnostics.run(), name="diagnostics")
                tasks.create_task(self.live.run(), name="live results")
                tasks.create_task(self.health.run(), name="health scores")
                tasks.create_task(self.calibrating.run(self.analytics.complete, self._twin_at), name="calibrations")
                tasks.create_task(self.advice.run(), name="advice")
                tasks.create_task(self.publishers.run(), name="publishers")
                tasks.create_task(self.alarms.run(), name="alarms")
                tasks.create_task(self.following.conditions.run(), name="conditions")
                tasks.create_task(self.scenarios.run(), name="scenarios")
        finally:
            await self.advice.stop()
            await self.jobs.stop()
            await asyncio.gather(self.server.stop(), self.worker.stop())
            self.recent.close()

    async def adopt(self, plant: Plant) -> Change:
        """Go on with a changed plant of the same name: sessions, subscriptions and unchanged connections stay.

        Raises AddressSpaceError, and changes nothing, for a plant that cannot be shown.
        """
        if plant.name != self.plant.name:
            raise AddressSpaceError(
                f"the plant is {self.plant.name}, not {plant.name}: its name is part of every NodeId"
            )
        new, old_count = renumber(self.plant, plant), len(self.plant.tags)
        at_run_time = self.rules.alarms_of(new)
        self.space.adopt(new, (*of_plant(new), *at_run_time))
        more = new.tags[old_count:]
        self.table.grow([int(tag.data_type) for tag in more], [tag.array_length for tag in more])
        self.history.adopt(new)
        removed = np.setdiff1d(retired(new), retired(self.plant))
        self.plant, self._rows = new, _rows_of(new)
        self.commands.adopt(new)
        self.trials.adopt(new)
        self.analytics.adopt()
        self.advice.adopt(new)
        self.live.adopt(new)
        self.health.adopt(new)
        connections = await self.acquisition.adopt(new)
        self.diagnostics.adopt(new, self.acquisition.links)
        self.publishers.adopt(new)
        self.alarms.adopt(new, at_run_time)
        self.table.mark(removed.astype(np.int32), Status.BadNodeIdUnknown, Status.BadNodeIdUnknown)
        return Change(tuple(connections), len(more), len(removed))

    def _stage(self) -> Stage:
        """What scenarios need of this bridge."""
        return Stage(
            self.table,
            self.space,
            self.recent,
            lambda: self.plant,
            self.analytics.context,
            self._seat,
            lambda: self.server.held_rows(),
            self.analytics.look_anew,
            self._let_go,
        )

    def _seat(self, tags: Sequence[Tag]) -> None:
        """Give tags of scenarios their rows; those behind the last are made."""
        seats, rows = list(self.plant.tags), len(self.table)
        for tag in tags:
            if tag.row < rows:
                seats[tag.row] = tag
        more = [tag for tag in tags if tag.row >= rows]
        self.plant = replace(self.plant, tags=(*seats, *sorted(more, key=lambda tag: tag.row)))
        if more:
            self.table.grow([int(tag.data_type) for tag in more], [tag.array_length for tag in more])
            self.history.make_room()
            self.acquisition.make_room(self.plant.tags)
        self.space.seat(self.plant)
        self.trials.adopt(self.plant)

    async def _let_go(self, path: str, rows: frozenset[int]) -> None:
        """Remember nothing of the twins below a path, nor of their rows."""
        self._offers.forget(path)
        self.server.reads.forget(rows)
        await self.analytics.forget(path)

    async def _obey(self, order: Order) -> tuple[int, str]:
        """Carry out a command that a subscriber gave."""
        row = self.space.row_of(self.space.node_id(order.path))
        return await self.commands.order(row, order.value, order.user)

    def _tag_at(self, path: str) -> Tag | None:
        row = self.space.row_of(self.space.node_id(path))
        return self.space.tag_of(row) if row >= 0 else None

    def _twin_at(self, path: str) -> Twin | None:
        return next((twin for twin in self.plant.walk() if twin.path == path), None)

    def _oldest_ticks(self) -> int:
        return self.history.writer.figures.oldest_ticks

    def figures(self) -> Figures:
        """How it is doing now."""
        not_good = {name: int((self.table.status[rows] >= 0x40000000).sum()) for name, rows in self._rows.items()}
        troubled = tuple(name for name, count in not_good.items() if count)
        tags = sum(len(rows) for rows in self._rows.values())
        clients = len(list(self.server.sessions))
        return Figures(self.table.readings, clients, sum(not_good.values()), tags, troubled)


def _rows_of(plant: Plant) -> dict[str, npt.NDArray[np.int32]]:
    return {name: np.array([tag.row for tag in one.tags], np.int32) for name, one in plant.connections.items()}
