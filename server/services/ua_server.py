"""The OPC UA server: owns the address space, sessions and sockets, and keeps house."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from asyncua import ua
from asyncua.server.server import Server

from analytics.function import Access
from server.address_space import MethodView, TwinSpace, is_stepped
from server.security.pki import Pki
from server.security.trust import TrustList, Untrusted
from server.security.users import Users
from server.services.attributes import AttributeReader
from server.services.channel import Channel
from server.services.chunks import ChannelError
from server.services.condition_calls import ConditionCalls
from server.services.condition_events import ConditionEvents
from server.services.condition_refresh import ConditionRefresh
from server.services.diagnostics import Diagnostics
from server.services.endpoints import Endpoints
from server.services.events import EventHub, EventTypes
from server.services.housekeeping import keep_house
from server.services.method_table import MethodTable
from server.services.monitored_targets import MonitoredTargets
from server.services.options import UaServerOptions
from server.services.past_events import PastEvents
from server.services.ports import Commands, History, Methods
from server.services.read_request import ReadDecoder
from server.services.secure_channel import Identity
from server.services.server_object import ServerObject
from server.services.session import Session, Sessions
from server.services.standard_nodes import load_stack
from server.services.subscription_methods import SubscriptionMethods
from server.services.subscription_service import Subscriptions
from server.services.transport import Listener
from server.services.value_columns import ValueColumns
from server.services.write import AttributeWriter
from server.tags.table import TagTable

_log = logging.getLogger(__name__)


class UaServer:
    """table: current values. space: the twins as nodes, None for a server without. commands, methods: where writes to
    commands, command methods and analytics methods go. history: the past of tags, None where no values are kept.

    `await start()` listens; before it, `await prepare()` loads the nodes, so that more can be added through `stack`,
    the asyncua server that holds them.
    """

    def __init__(
        self,
        options: UaServerOptions,
        table: TagTable,
        space: TwinSpace | None,
        commands: Commands,
        methods: Methods,
        history: History | None = None,
    ) -> None:
        self.options = options
        self.limits = options.limits
        self.table = table
        self.space = space
        self.commands = commands
        self.methods = methods
        self.history = history
        self.application_uri = options.application_uri or f"urn:{socket.gethostname()}:uatwin"
        self.own_namespace = 1
        self.pki = Pki(options.pki_dir)
        self.trust = TrustList(self.pki, trust_all=options.trust_all_certificates)
        self.users = Users(options.users_file)
        self.sessions = Sessions(self.limits.max_sessions)
        self.channels: dict[int, Channel] = {}
        self.diagnostics = Diagnostics()
        self.columns = ValueColumns(table)
        self.reads = ReadDecoder(self.row_of, self.limits.max_nodes_per_read)
        self.attributes = AttributeReader(self)
        self.writer = AttributeWriter(self)
        self.method_table = MethodTable(self)
        self.targets = MonitoredTargets(self)
        self.condition_calls = ConditionCalls(self, space) if space is not None else None
        self._listener = Listener(self.limits, lambda connection: Channel(self, connection))
        self._tasks: set[asyncio.Task[Any]] = set()
        self._housekeeper: asyncio.Task[None] | None = None
        self._last_channel = secrets.randbelow(2**31)
        self._prepared = False

    stack: Server
    identity: Identity
    endpoints: Endpoints
    server_object: ServerObject
    events: EventHub
    past_events: PastEvents
    subscriptions: Subscriptions
    condition_events: ConditionEvents

    async def prepare(self) -> None:
        """Load the standard nodes and the twins, the certificate and the services. Once; `start` does it if need be."""
        if self._prepared:
            return
        self._prepared = True
        own = self.pki.own(self.application_uri, self.options.application_name)
        self.identity = Identity(own.certificate, own.der, own.key, self._check_peer)
        self.stack = await load_stack(self.application_uri)
        if self.space is not None:
            await self.space.install(self.stack)
        self.events = EventHub(EventTypes(self.aspace))
        options = self.options
        self.past_events = PastEvents(
            options.data / "events" / "events.sqlite",
            self.events.types,
            oldest_s=options.event_history_s,
            most=options.max_past_events,
        )
        self.events.listen(self.past_events.note)
        self.spawn(self.past_events.run())
        self.subscriptions = Subscriptions(self)
        SubscriptionMethods(self)
        if self.space is not None:
            self.condition_events = ConditionEvents(self, self.space)
            ConditionRefresh(self, self.space, self.condition_events)
        self.server_object = ServerObject(self)
        self.server_object.fill()

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken or not ours, PkiError for an unusable certificate."""
        await self.prepare()
        url = urlsplit(self.options.endpoint_url)
        await self._listener.start(url.hostname, 4840 if url.port is None else url.port)
        self.endpoints = Endpoints(self.options, self.application_uri, self.identity.certificate_der, self.port)
        self._housekeeper = asyncio.create_task(keep_house(self, self._listener), name="opc ua housekeeping")
        _log.info("listening on %s", self.endpoint_url)

    async def stop(self) -> None:
        """Close every session and connection; nothing is left running."""
        if not self._prepared:
            return
        if self._housekeeper is not None:
            self._housekeeper.cancel()
            await asyncio.wait([self._housekeeper])
        for session in self.sessions:
            await self.sessions.close(session, delete_subscriptions=True)
        self.subscriptions.stop()
        if self.space is not None:
            self.condition_events.stop()
        await self._listener.stop()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        await self.stack.iserver.stop()

    # -- where it is ------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    @property
    def connections(self) -> int:
        """How many clients are connected, with or without a session."""
        return len(self._listener.connections)

    @property
    def endpoint_url(self) -> str:
        """The URL for clients on this computer."""
        return self.endpoints.url()

    @property
    def aspace(self) -> Any:
        """asyncua's address space: nodes by NodeId."""
        return self.stack.iserver.aspace

    # -- for the services -------------------------------------------------------------------------------------------

    def new_channel_id(self) -> int:
        """An id no open channel has."""
        self._last_channel = self._last_channel % (2**32 - 1) + 1
        return self._last_channel

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run work until it ends or the server stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def row_of(self, node_id: ua.NodeId) -> int:
        """The row of the tag whose Variable this is, -1 for any other node."""
        return self.space.row_of(node_id) if self.space is not None else -1

    def held_rows(self) -> frozenset[int]:
        """The rows that clients know by themselves: those of monitored items and of registered nodes."""
        monitored = [one.items.tags.rows for one in self.subscriptions.by_id.values()]
        registered = [one.registered.held for one in self.sessions if one.registered is not None]
        return frozenset(np.concatenate([np.empty(0, np.int32), *monitored, *registered]).tolist())

    def stepped(self, row: int) -> bool:
        """Whether the value of a row holds from one reading to the next."""
        return self.space is None or is_stepped(self.space.tag_of(row))

    def access_to(self, method_id: ua.NodeId) -> Access:
        """Who may call a method: commands and what is told to alarms are for operators, analytics methods say it
        themselves."""
        if self.condition_calls is not None and self.condition_calls.find(method_id) is not None:
            return Access.operate
        found = self.space.method_of(method_id) if self.space is not None else None
        if found is None:
            of_service = self.space.service_method(method_id) if self.space is not None else None
            return of_service.access if of_service is not None else Access.read
        return found[1].access if isinstance(found[1], MethodView) else Access.operate

    def log_rejected(self, session: Session, reason: str) -> None:
        """Tell the operator whom we did not let in."""
        peer = session.channel.connection.peer if session.channel is not None else "?"
        _log.warning("%s: session %r refused: %s", peer, session.name, reason)

    def _check_peer(self, certificate: bytes) -> None:
        try:
            self.trust.check(certificate)
        except Untrusted as error:
            self.diagnostics.security_rejected_sessions += 1
            code = getattr(ua.StatusCodes, error.status) if error.trusted else ua.StatusCodes.BadSecurityChecksFailed
            _log.warning("a client certificate is not accepted: %s (%s)", error, error.status)
            raise ChannelError(code, "the client certificate is not accepted") from error
