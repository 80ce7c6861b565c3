"""Section `scenarios`: how many copies of twins there may be, how large, how fast, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pydantic import Field

from server.config.checking import Checker, Loc
from server.config.errors import Problems
from server.config.spec import Seconds, Spec
from server.config.yaml_source import Map

if TYPE_CHECKING:
    from server.config.sections import Known


class ScenarioSettings(Spec):
    """Bounds of what clients can create under Objects/Scenarios."""

    most: int = Field(default=8, ge=0, le=100, description="Scenarios at the same time; 0 allows none.")
    most_tags: int = Field(
        default=5000, ge=1, le=200_000, description="Telemetry and commands of all scenarios together."
    )
    age_s: Seconds = Field(default=3600.0, description="How long one lives where its creator says nothing, seconds.")
    max_age_s: Seconds = Field(default=86_400.0, description="How long one may live at most, seconds.")
    max_speed: float = Field(
        default=600.0, ge=1, le=3600, description="Simulated seconds in a second that may be asked for at most."
    )


def _contradictions(spec: ScenarioSettings) -> Iterator[tuple[Loc, str]]:
    if spec.age_s > spec.max_age_s:
        yield ("age_s",), f"age_s is {spec.age_s:g}, more than max_age_s, which is {spec.max_age_s:g}; lower one"


_CHECKER: Final[Checker[ScenarioSettings]] = Checker(ScenarioSettings, _contradictions)


def read_scenarios(section: Map | None, known: Known, problems: Problems) -> ScenarioSettings:
    """The settings; the default ones where the file has none."""
    if section is None:
        return ScenarioSettings()
    settings, findings = _CHECKER.check(section, section)
    for finding in findings:
        problems.add(finding.place, finding.message, kind=f"{finding.kind} {finding.loc}")
    return settings or ScenarioSettings()
