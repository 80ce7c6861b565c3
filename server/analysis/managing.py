"""The functions about models and labels that the server does itself: list, tell, activate, retire, export, label."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.anomaly_events import event_name
from analytics.arguments import ticks_of
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, ArgumentError, NotAvailable, NotFit
from analytics.model_store import archive
from analytics.models import LabelKind, ModelRecord, ModelState
from analytics.simulation.calibrated import unfit
from server.analysis.library import Library
from server.security.roles import User

LARGEST_EXPORT: Final = 8 << 20
LONGEST_TEXT: Final = 4096


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: on which twin, with which arguments, by whom, when."""

    twin: str
    arguments: Sequence[Any]
    user: User
    now_ticks: int


Outcome = tuple[tuple[Any, ...], str]
"""The results of `Function.own`, then valid and reason; and the id of the model they are about."""


class Managing:
    """Does them. Raises ArgumentError, NotAvailable, NotFit, FunctionFailed."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.functions: Mapping[str, Callable[[Asked], Awaitable[Outcome]]] = {
            "ListModels": self._list,
            "GetModel": self._get,
            "ActivateModel": self._activate,
            "RetireModel": self._retire,
            "ExportModel": self._export,
            "LabelEvent": self._label,
        }

    async def _list(self, asked: Asked) -> Outcome:
        kind = asked.arguments[0] or ""
        models = [one for one in reversed(self._library.models(asked.twin)) if kind in ("", one.kind)]
        columns = (
            [one.id for one in models],
            [one.kind for one in models],
            [str(one.state) for one in models],
            [one.created_ticks for one in models],
            [one.drift for one in models],
        )
        return (*columns, True, ""), ""

    async def _get(self, asked: Asked) -> Outcome:
        model = self._model(asked)
        results = (
            str(model.state),
            model.version,
            model.training_start_ticks,
            model.training_end_ticks,
            list(model.signals),
            list(model.context_signals),
            list(model.figures),
            list(model.figures.values()),
            model.data_hash,
            [f"{name}={version}" for name, version in model.libraries.items()],
            model.drift,
        )
        return (*results, True, model.reason), model.id

    async def _activate(self, asked: Asked) -> Outcome:
        model = self._model(asked)
        if not model.data_hash:
            raise NotAvailable(f"{model.id} is {model.state}: {model.reason or 'it has not been trained yet'}")
        if why := unfit(model):
            raise NotFit(f"{model.id} is not activated: {why}. Calibrate again, with other bounds or over another time")
        active, retired = await self._library.activate(model)
        return (str(active.state), retired.id if retired is not None else "", True, active.reason), active.id

    async def _retire(self, asked: Asked) -> Outcome:
        model = self._model(asked)
        if model.state is ModelState.training:
            raise NotAvailable(f"{model.id} is being trained; cancel its job")
        retired = await self._library.retire(model)
        return (str(retired.state), True, ""), retired.id

    async def _export(self, asked: Asked) -> Outcome:
        record = self._model(asked)
        if not record.data_hash:
            raise NotAvailable(f"{record.id} is {record.state}: there is nothing to export yet")
        model = await self._library.model(record)
        content = await asyncio.to_thread(archive, record, model.arrays)
        if len(content) > LARGEST_EXPORT:
            raise NotAvailable(
                f"the archive has {len(content) >> 20} MB, and a call brings at most {LARGEST_EXPORT >> 20}; "
                "copy it from the folder of models on the server"
            )
        return (content, True, ""), record.id

    async def _label(self, asked: Asked) -> Outcome:
        event_id, said, start, end, text = asked.arguments
        kind = next((one for one in LabelKind if one.lower() == (said or "").strip().lower()), None)
        if kind is None:
            raise ArgumentError(1, BAD_NO_MATCH, f'"{said}" is no label; there are {", ".join(LabelKind)}')
        if len(text or "") > LONGEST_TEXT:
            raise ArgumentError(4, BAD_OUT_OF_RANGE, f"Text has more than {LONGEST_TEXT} characters")
        span = self._span(event_id or "", ticks_of(start, 2), ticks_of(end, 3), asked)
        label, invalid = await self._library.label(asked.twin, kind, span, text or "", event_id or "", asked.user.name)
        names = [one.id if one.twin == asked.twin else f"{one.twin}/{one.id}" for one in invalid]
        return (label.id, names, True, invalid[0].reason if invalid else ""), ""

    def _span(self, event_id: str, start: int | None, end: int | None, asked: Asked) -> tuple[int, int]:
        if event_id:
            try:
                name = event_name(event_id)
            except ValueError as error:
                raise ArgumentError(0, BAD_NO_MATCH, str(error)) from None
            start = name.start_ticks if start is None else start
            end = name.end_ticks if end is None else end
        start = asked.now_ticks if start is None else start
        end = start if end is None else end
        if end < start:
            raise ArgumentError(3, BAD_OUT_OF_RANGE, "End is before Start")
        return start, end

    def _model(self, asked: Asked) -> ModelRecord:
        wanted = asked.arguments[0] or ""
        found = self._library.find(asked.twin, wanted)
        if found is None:
            known = ", ".join(one.id for one in self._library.models(asked.twin)) or "none; TrainModel makes one"
            raise ArgumentError(0, BAD_NO_MATCH, f'the twin has no model "{wanted}"; it has {known}')
        return found
