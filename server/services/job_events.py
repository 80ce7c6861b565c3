"""Events of jobs: each change of their state, heard at the twin, those above it and the Server (Part 10, 5.2.5)."""

from __future__ import annotations

from typing import Final

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from drivers.status import is_bad
from nodesets.node_ids import TypeIds
from server.address_space.analytics_objects import transition
from server.address_space.twin_space import TYPES_INDEX
from server.analysis.jobs import JobRecord
from server.services.twin_events import twin_event
from server.services.ua_server import UaServer

_TYPE: Final = ua.NodeId(ua.Int32(TypeIds.JobTransitionEventType), ua.Int16(TYPES_INDEX))
_FAILED, _ENDED = 300, 100


class JobEvents:
    """Turns changes of jobs into events; the fields are those of TransitionEventType (Part 5, 6.4.15)."""

    def __init__(self, server: UaServer) -> None:
        self._server = server

    def note(self, job: JobRecord) -> None:
        """Emit one; called after each change."""
        space, name = self._server.space, transition(job)
        if space is None or name is None:
            return
        severity = _FAILED if is_bad(job.status) else _ENDED
        draft = twin_event(space, job.path, _TYPE, _message(job), severity)
        draft.source_name = job.id
        draft.time = win_epoch_to_datetime(job.changed_ticks)
        kind = ua.VariantType.LocalizedText
        before, _, after = name.partition("To")
        draft.more = {
            "Transition": ua.Variant(ua.LocalizedText(name, "en"), kind),
            "FromState": ua.Variant(ua.LocalizedText(before, "en"), kind),
            "ToState": ua.Variant(ua.LocalizedText(after, "en"), kind),
            "IntermediateResult": ua.Variant(100.0 * job.progress, ua.VariantType.Double),
        }
        self._server.events.emit(draft.finish())


def _message(job: JobRecord) -> str:
    what = f"{job.function.name} on {job.twin}: {job.state.name}"
    return f"{what}; {job.reason}" if job.reason else what
