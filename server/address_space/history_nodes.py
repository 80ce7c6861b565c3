"""Makes the HA Configuration of a historized Variable and all below it (Part 11, 5.2.2 to 5.2.4), when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from asyncua import ua
from asyncua.ua.uatypes import win_epoch_to_datetime

from analytics.aggregates import AGGREGATES, AggregateConfiguration
from server.address_space.attributes import Attributes, object_attributes, property_attributes
from server.address_space.heads import HA_CONFIGURATION as NAME
from server.address_space.heads import Head, Heads, standard
from server.address_space.kinds import is_numeric, is_stepped
from server.address_space.lazy_nodes import PlantNode
from server.config.plant import Tag

_V = ua.VariantType
Link = tuple[str, bool, Head]
MakeNode = Callable[[Head, Attributes, Iterator[Link]], PlantNode]
_CONFIGURATION: Final = "AggregateConfiguration"
_FUNCTIONS: Final = "AggregateFunctions"
_DEFAULTS: Final = AggregateConfiguration()
AGGREGATE_DEFAULTS: Final[Mapping[str, ua.Variant]] = {
    "TreatUncertainAsBad": ua.Variant(_DEFAULTS.treat_uncertain_as_bad, _V.Boolean),
    "PercentDataBad": ua.Variant(_DEFAULTS.percent_data_bad, _V.Byte),
    "PercentDataGood": ua.Variant(_DEFAULTS.percent_data_good, _V.Byte),
    "UseSlopedExtrapolation": ua.Variant(_DEFAULTS.use_sloped_extrapolation, _V.Boolean),
}
"""The properties of every AggregateConfiguration object: the defaults of Part 13, 4.2.1.2."""
_TYPES: Final = {_V.Boolean: "Boolean", _V.Byte: "Byte", _V.Double: "Duration", _V.DateTime: "UtcTime"}


@dataclass(frozen=True, slots=True)
class HistoryView:
    """historized: whether the values of a row are kept. start_ticks: since when there are values at all, 0 before the
    first."""

    historized: Callable[[int], bool] = lambda _row: False
    start_ticks: Callable[[], int] = lambda: 0


class HistoryNodes:
    """tag: the tag with a path. node: puts a node together. since: SourceTimestamp of values that never change."""

    def __init__(
        self,
        view: HistoryView,
        heads: Heads,
        tag: Callable[[str], Tag | None],
        node: MakeNode,
        since: ua.DateTime,
    ) -> None:
        self._view = view
        self._heads = heads
        self._tag = tag
        self._node = node
        self._since = since

    def historized(self, tag: Tag) -> bool:
        """Whether its values are kept."""
        return self._view.historized(tag.row)

    def links_of_tag(self, tag: Tag) -> Iterator[Link]:
        """From the Variable to its configuration."""
        if self.historized(tag):
            yield "HasHistoricalConfiguration", True, self._heads.ha_configuration(tag.path)

    def make(self, path: str) -> PlantNode | None:
        """The node with that path; None where it is no part of an HA Configuration."""
        owner, found, below = path.partition(f".{NAME}")
        tag = self._tag(owner) if found else None
        if tag is None or not self.historized(tag):
            return None
        if not below:
            return self._configuration(tag)
        name = below[1:]
        if name == _CONFIGURATION:
            return self._aggregates(tag)
        if name == _FUNCTIONS:
            return self._functions(tag)
        return self._property(tag, name)

    def _configuration(self, tag: Tag) -> PlantNode:
        heads, head = self._heads, self._heads.ha_configuration(tag.path)
        links: list[Link] = [("HasHistoricalConfiguration", False, heads.tag(tag))]
        links += [("HasProperty", True, heads.property(f"{tag.path}.{NAME}", name)) for name in self._values(tag)]
        links += [
            ("HasComponent", True, heads.aggregate_configuration(tag.path)),
            ("HasComponent", True, heads.aggregate_functions(tag.path)),
        ]
        return self._node(head, object_attributes(head, "How its values are kept", events=False), iter(links))

    def _aggregates(self, tag: Tag) -> PlantNode:
        head = self._heads.aggregate_configuration(tag.path)
        links: list[Link] = [("HasComponent", False, self._heads.ha_configuration(tag.path))]
        path = f"{tag.path}.{NAME}.{_CONFIGURATION}"
        links += [("HasProperty", True, self._heads.property(path, name)) for name in AGGREGATE_DEFAULTS]
        return self._node(
            head, object_attributes(head, "What aggregates make of bad values", events=False), iter(links)
        )

    def _functions(self, tag: Tag) -> PlantNode:
        head = self._heads.aggregate_functions(tag.path)
        links: list[Link] = [("HasComponent", False, self._heads.ha_configuration(tag.path))]
        usable = [one for one in AGGREGATES if is_numeric(tag) or not one.numeric]
        links += [("Organizes", True, self._heads.aggregate_function(one.name)) for one in usable]
        return self._node(head, object_attributes(head, "Aggregates of its values", events=False), iter(links))

    def _property(self, tag: Tag, name: str) -> PlantNode | None:
        part, _, last = name.rpartition(".")
        values = AGGREGATE_DEFAULTS if part == _CONFIGURATION else {} if part else self._values(tag)
        value = values.get(last)
        if value is None:
            return None
        above = f"{tag.path}.{NAME}.{part}" if part else f"{tag.path}.{NAME}"
        owner = self._heads.aggregate_configuration(tag.path) if part else self._heads.ha_configuration(tag.path)
        head = self._heads.property(above, last)
        data_type = _TYPES[value.VariantType if isinstance(value, ua.Variant) else _V.DateTime]
        attributes = property_attributes(head, "", standard(data_type), value, self._since)
        return self._node(head, attributes, iter([("HasProperty", False, owner)]))

    def _values(self, tag: Tag) -> dict[str, ua.Variant | Callable[[], ua.DataValue]]:
        longest_ms = 1000 * tag.stale_s if tag.connection is not None else 0.0
        longest = {} if tag.command is not None else {"MaxTimeInterval": ua.Variant(longest_ms, _V.Double)}
        return {
            "Stepped": ua.Variant(is_stepped(tag), _V.Boolean),
            **longest,  # a command that is only ever written says nothing in between
            "MinTimeInterval": ua.Variant(0.0, _V.Double),
            "StartOfArchive": partial(_moment, self._view.start_ticks),
            "StartOfOnlineArchive": partial(_moment, self._view.start_ticks),
            "ServerTimestampSupported": ua.Variant(True, _V.Boolean),
        }


def _moment(ticks: Callable[[], int]) -> ua.DataValue:
    now = cast(Any, win_epoch_to_datetime(ticks()))
    return ua.DataValue(ua.Variant(now, _V.DateTime))
