"""Events of twins: from the twin they happen at to every notifier above it, up to the Server object (Part 3, 4.7)."""

from __future__ import annotations

from collections.abc import Iterator

from asyncua import ua

from server.address_space import TwinSpace
from server.address_space.heads import CONNECTIONS, TWINS
from server.services.events import EventDraft


def notifiers(space: TwinSpace, path: str) -> Iterator[ua.NodeId]:
    """The twin, connection or part of the bridge with that path, or that owns the tag or method with it, and everything
    it is part of, up to the folder `Twins` or `Connections`; the Server object hears everything anyway."""
    root = path.partition("/")[0]
    while path:
        if space.is_notifier(path) and path not in (TWINS, CONNECTIONS):
            yield space.node_id(path)
        path = path.rpartition("/")[0]
    if root in (TWINS, CONNECTIONS) or space.twin_of(root) is not None:
        yield space.node_id(CONNECTIONS if root == CONNECTIONS else TWINS)


def twin_event(space: TwinSpace, path: str, event_type: ua.NodeId, message: str, severity: int) -> EventDraft:
    """An event in the making whose source is the twin, tag or method with that path."""
    heard = tuple(notifiers(space, path))
    name = path.rpartition("/")[2]
    return EventDraft(event_type, space.node_id(path), name, message, severity, notifiers=heard)
