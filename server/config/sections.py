"""Sections of the plant file that are read once its tags are known: history, publish, rules, data_quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from server.config.alarm_rules import read_rules
from server.config.analytics_settings import read_analytics
from server.config.drafts import RuleDraft
from server.config.errors import Problems
from server.config.history import read_history
from server.config.plant import Connection, Tag, Twin
from server.config.publish import read_publish
from server.config.quality_settings import read_data_quality
from server.config.scenario_settings import read_scenarios
from server.config.yaml_source import Map


@dataclass(frozen=True, slots=True)
class Known:
    """What a section may refer to. folder: where the plant file lies, for relative paths. rules: those that stand in
    types and twins. incomplete: something is not there because of an error that was reported. keeps_history: values of
    tags are kept."""

    tags: tuple[Tag, ...]
    twins: tuple[Twin, ...]
    connections: Mapping[str, Connection]
    folder: Path
    rules: tuple[RuleDraft, ...] = ()
    incomplete: bool = False
    keeps_history: bool = False


SectionReader = Callable[[Map | None, Known, Problems], Any]
"""From a section (None: the file has none) to what stands in `Plant.sections` under its name, None when there is
nothing. Adds to the problems what is wrong. What it returns names tags and twins by path, never by row: `renumber`
leaves it as it is."""

SECTION_READERS: Final[dict[str, SectionReader]] = {
    "history": read_history,
    "rules": read_rules,
    "data_quality": read_data_quality,
    "analytics": read_analytics,
    "publish": read_publish,
    "scenarios": read_scenarios,
}
