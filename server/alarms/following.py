"""Conditions follow the alarms: what rules find, which alarms there are, and which of them are evaluated at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from server.alarms.alarms import Alarms
from server.alarms.conditions import Conditions
from server.alarms.definitions import AlarmDefinition
from server.alarms.state_file import StateFile, StateFileError

_log = logging.getLogger(__name__)


class Following:
    """The conditions of these alarms."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self.conditions = Conditions(alarms.definitions)
        alarms.on_transitions(self.conditions.apply)
        alarms.on_definitions(self._adopt)
        self.conditions.on_enable(alarms.engine.enable)

    async def restore(self, path: Path) -> None:
        """Go on where a file of that path says the conditions stood, and keep it. Once, before anything is evaluated.

        Where it cannot be used they go on in memory: values and commands do not depend on it.
        """
        try:
            self.conditions.restore(await asyncio.to_thread(StateFile, path))
        except StateFileError as error:
            _log.error("%s", error)
            return
        self._alarms.engine.assume(self.conditions.levels())
        self._switch()

    def _adopt(self, definitions: Sequence[AlarmDefinition]) -> None:
        self.conditions.adopt(definitions)
        self._switch()

    def _switch(self) -> None:
        for path, enabled in self.conditions.switched().items():
            self._alarms.engine.enable(path, enabled)
