"""Section `data_quality`: how strictly the values of tags are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, Strict

from server.config.checking import Checker
from server.config.errors import Problems
from server.config.patterns import matching
from server.config.spec import Seconds, Spec
from server.config.yaml_source import Map, Seq

if TYPE_CHECKING:
    from server.config.sections import Known


class QualitySettings(Spec):
    """Thresholds of the data-quality rules, which every measured tag has by itself."""

    flat_line: float = Field(
        default=14.0, ge=2, le=1e6, description="A value stays the same for so many times as many readings as usually."
    )
    spike: float = Field(default=10.0, ge=2, le=1e6, description="A reading jumps by so many usual steps, and back.")
    keep_s: Seconds = Field(default=60.0, description="How long a spike or a gap that is over is shown, seconds.")
    ignore: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(), description="Paths or patterns of tags that are not judged: **/*Hours."
    )


_CHECKER: Checker[QualitySettings] = Checker(QualitySettings)


def read_data_quality(section: Map | None, known: Known, problems: Problems) -> QualitySettings:
    """The settings; the default ones where the file has none."""
    if section is None:
        return QualitySettings()
    settings, findings = _CHECKER.check(section, section)
    for finding in findings:
        problems.add(finding.place, finding.message, kind=f"{finding.kind} {finding.loc}")
    for pattern, place in zip(settings.ignore if settings else (), _places(section), strict=False):
        if not known.incomplete and not matching([pattern], (tag.path for tag in known.tags)):
            problems.add(place, f"no tag matches {pattern}; a pattern is over whole paths, such as **/Motor*/Load")
    return settings or QualitySettings()


def _places(section: Map) -> list[int]:
    ignore = section.get("ignore")
    return ignore.value_at if isinstance(ignore, Seq) else []
