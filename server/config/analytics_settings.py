"""Section `analytics`: where work that is too much for this computer is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from analytics.cluster import Cluster
from server.config.analytics_spec import FILES, AnalyticsSettings, analytics_rules
from server.config.checking import Checker
from server.config.errors import Problems
from server.config.files import located
from server.config.yaml_source import Map

if TYPE_CHECKING:
    from server.config.sections import Known

_SECTION: Final[Checker[AnalyticsSettings]] = Checker(AnalyticsSettings, analytics_rules)


def read_analytics(section: Map | None, known: Known, problems: Problems) -> Cluster | None:
    """The cluster; None where there is none."""
    if section is None:
        return None
    spec, findings = _SECTION.check(section, section)
    for finding in findings:
        problems.add(finding.place, finding.message, kind=f"{finding.kind} {finding.loc}")
    if spec is None or spec.scheduler is None or findings:
        return None
    found = cast(AnalyticsSettings, located(spec, problems.path_of(section.place).parent))
    for name in FILES:
        file = getattr(found, name)
        if file is not None and not file.is_file():
            problems.add(section.value_at[name], f"{file}: there is no such file")
    return Cluster(spec.scheduler, *(str(getattr(found, name) or "") for name in FILES))
