"""Events of optimisation: what was applied or refused, who lets whom act; heard at the twin and those above it. They
are plain BaseEvents whose Message is the sentence (Part 5, 6.4.2)."""

from __future__ import annotations

from server.advice.notices import Notice
from server.services.events import BASE_EVENT
from server.services.twin_events import twin_event
from server.services.ua_server import UaServer


class AdviceEvents:
    """Turns notices into events."""

    def __init__(self, server: UaServer) -> None:
        self._server = server

    def note(self, notice: Notice) -> None:
        """Emit one; called after it has happened, once the server is prepared."""
        space = self._server.space
        if space is not None:
            draft = twin_event(space, notice.twin, BASE_EVENT, notice.message, notice.severity)
            self._server.events.emit(draft.finish())
