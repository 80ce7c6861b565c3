"""What went in and out of each twin, by material, and what is missing: the balance of every node and of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.process.asking import Asked
from analytics.process.stations import Material, Meter, Station, feeders, in_order
from analytics.process.timeline import Span
from analytics.process.units import PIECES, ratio
from analytics.series import TICKS_PER_SECOND, Series, hold

PRODUCT: Final = "product"
"""The material that counts make: what machines take over from one another, piece by piece."""
_NOTHING: Final = (0.0, 0.0)
_UNKNOWN: Final = (math.nan, math.nan)
Amount = tuple[float, float]
"""How much, and its standard uncertainty; NaN where it is not measured."""


@dataclass(frozen=True, slots=True)
class Node:
    """The balance of one material in one twin, between twins (is_link), or in all of them (is_whole). unit, symbol: of
    the amounts. feeds, fed_by: paths of those with the same material. yield_, rolled: of this one, and from the begin
    of the flow up to here, as fractions; NaN where not known."""

    path: str
    material: str
    unit: str
    into: Amount = _UNKNOWN
    out: Amount = _UNKNOWN
    lost: Amount = _NOTHING
    stock: Amount = _NOTHING
    feeds: tuple[str, ...] = ()
    fed_by: tuple[str, ...] = ()
    is_link: bool = False
    is_whole: bool = False
    symbol: str = ""
    yield_: float = math.nan
    rolled: float = math.nan

    @property
    def missing(self) -> float:
        """In - out - lost - change of stock: what nobody has measured."""
        return self.into[0] - self.out[0] - self.lost[0] - self.stock[0]

    @property
    def uncertainty(self) -> float:
        """Expanded uncertainty of it (k = 2, about 95 %)."""
        return 2.0 * math.sqrt(sum(one[1] ** 2 for one in (self.into, self.out, self.lost, self.stock)))

    @property
    def does_not_close(self) -> bool:
        """Whether more is missing than the meters' uncertainty explains."""
        return abs(self.missing) > self.uncertainty


def materials_of(stations: Sequence[Station]) -> dict[str, list[tuple[Station, Material]]]:
    """By material, who has it. Counts make a material of their own where one machine that counts feeds another, or
    rejects are counted."""
    found: dict[str, list[tuple[Station, Material]]] = {}
    for station in stations:
        for material in station.materials:
            found.setdefault(material.name, []).append((station, material))
    counting = [one for one in stations if one.counted and all(not meter.per_s for meter in one.counts)]
    paths = {one.path for one in counting}
    fed = {path for one in counting for path in one.feeds}
    for station in counting:
        if len(station.counts) > 1 or station.path in fed or not paths.isdisjoint(station.feeds):
            found.setdefault(PRODUCT, []).append((station, _of_counts(station)))
    return found


def _of_counts(station: Station) -> Material:
    """What goes in is what is made; what comes out is what of it is right."""
    count, good, rejects = station.count, station.good, station.rejects
    into = (count,) if count else (good, rejects)
    right = (good,) if good else (count, _negative(rejects))
    wrong = (rejects,) if rejects else (count, _negative(good)) if good and count else ()
    ins, outs, losses = (tuple(_times(one, station.items) for one in part if one) for part in (into, right, wrong))
    return Material(PRODUCT, station.unit or PIECES[0], ins, outs, losses, symbol="pieces")


def _negative(meter: Meter | None) -> Meter | None:
    return replace(meter, factor=-meter.factor) if meter else None


def _times(meter: Meter, factor: float) -> Meter:
    return replace(meter, factor=meter.factor * factor)


def balance(asked: Asked, series: Mapping[str, Series], span: Span) -> list[Node]:
    """Every node in the order of the flow, then the ways between them that are measured at both ends, then the whole
    where there are several, for each material in turn."""
    rows: list[Node] = []
    for having in materials_of(asked.stations).values():
        unit = having[0][1].unit
        same = [(one, what) for one, what in having if ratio(what.unit, unit) is not None]
        rows += _of_one(asked, series, span, unit, same)
    return rows


def _of_one(
    asked: Asked, series: Mapping[str, Series], span: Span, unit: str, having: Sequence[tuple[Station, Material]]
) -> list[Node]:
    before = feeders([one for one, _ in having])
    paths = before.keys()
    nodes = {}
    for station, material in having:
        scale = ratio(material.unit, unit) or 1.0
        nodes[station.path] = Node(
            station.path,
            material.name,
            unit,
            _flowed(asked, series, span, material.ins, scale),
            _flowed(asked, series, span, material.outs, scale),
            _flowed(asked, series, span, material.losses, scale) if material.losses else _NOTHING,
            _grown(asked, series, span, material.stocks, scale),
            tuple(path for path in station.feeds if path in paths),
            tuple(one.path for one in before[station.path]),
            symbol=having[0][1].symbol,
        )
    order = [one.path for one in in_order([one for one, _ in having])]
    measured = {path: nodes[path] for path in order}
    complete = _completed(measured, {one.path: what for one, what in having})
    links = list(_links(complete))
    rolled = _with_yields(complete, {one.path: one for one in links})
    return [*rolled.values(), *(_with_yield(one) for one in links), *_whole(rolled)]


def _flowed(asked: Asked, series: Mapping[str, Series], span: Span, meters: Iterable[Meter], scale: float) -> Amount:
    """The sum of flows or counters over the span, NaN without meters."""
    edges, parts = np.array(span, np.int64), []
    whole_s = (span[1] - span[0]) / TICKS_PER_SECOND
    for meter in meters:
        told = asked.course(series, meter)
        amount = float(told.between(edges)[0]) * scale
        if not len(told.ticks):
            return _UNKNOWN
        known_s = float(
            told.known_between(edges)[0] if meter.per_s else np.ptp(np.clip(told.ticks, *span)) / TICKS_PER_SECOND
        )
        if not known_s:
            return _UNKNOWN
        guessed = (1.0 - min(known_s / whole_s, 1.0)) * abs(amount)
        grain = 0.0 if meter.per_s else abs(meter.factor) * scale / math.sqrt(3)
        parts.append((amount, math.hypot(meter.uncertainty * amount, guessed, grain)))
    return _sum(parts) if parts else _UNKNOWN


def _grown(asked: Asked, series: Mapping[str, Series], span: Span, meters: Iterable[Meter], scale: float) -> Amount:
    """How much more is in stock at the end than at the begin; nothing without meters."""
    parts = []
    for meter in meters:
        longest_s = asked.longest_s[meter.signal]
        levels = hold(series[meter.signal], np.array(span, np.int64), longest_s)
        if not np.isfinite(levels[0]):  # nothing was said before the begin: the first thing said soon after
            levels[0] = _first_within(series[meter.signal], span[0], longest_s)
        begin, end = (levels * meter.factor * scale).tolist()
        parts.append((end - begin, meter.uncertainty * math.hypot(begin, end)))
    return _sum(parts)


def _first_within(series: Series, start: int, longest_s: float) -> float:
    near = series.between(start, start + round(longest_s * TICKS_PER_SECOND)).values
    near = near[np.isfinite(near)]
    return float(near[0]) if len(near) else math.nan


def _sum(parts: Sequence[Amount]) -> Amount:
    return math.fsum(one[0] for one in parts), math.hypot(*(one[1] for one in parts))


def _completed(nodes: Mapping[str, Node], described: Mapping[str, Material]) -> dict[str, Node]:
    """What no meter of its own tells is told by those of its neighbours, where all of it comes from or goes to them:
    in is what its feeders put out when they feed nobody else, out is what those fed take in when nobody else feeds
    them."""
    done = dict(nodes)
    for path in nodes:
        node, given = done[path], described[path]
        if not given.ins and node.fed_by and all(done[one].feeds == (path,) for one in node.fed_by):
            done[path] = replace(done[path], into=_sum([done[one].out for one in node.fed_by]))
        if not given.outs and node.feeds and all(done[one].fed_by == (path,) for one in node.feeds):
            done[path] = replace(done[path], out=_sum([done[one].into for one in node.feeds]))
        if not given.outs and not node.feeds and (given.losses or given.stocks):
            done[path] = replace(done[path], out=_NOTHING)  # all that goes in stays, or is lost on purpose
        if not given.ins and not node.fed_by and given.stocks:
            done[path] = replace(done[path], into=_NOTHING)
    return done


def _links(nodes: Mapping[str, Node]) -> Iterator[Node]:
    """What lies between a node and all its feeders, where both sides are measured and the feeders feed nobody else."""
    for node in nodes.values():
        before = [nodes[one] for one in node.fed_by]
        if not before or any(one.feeds != (node.path,) for one in before):
            continue
        out = _sum([one.out for one in before])
        if math.isfinite(out[0]) and math.isfinite(node.into[0]):
            yield Node(
                node.path, node.material, node.unit, out, node.into,
                fed_by=node.fed_by, is_link=True, symbol=node.symbol,
            )  # fmt: skip


def _with_yield(node: Node) -> Node:
    used = node.into[0] - node.stock[0]
    return replace(node, yield_=node.out[0] / used if used > 0 else math.nan)


def _with_yields(nodes: Mapping[str, Node], links: Mapping[str, Node]) -> dict[str, Node]:
    """Yields of nodes, and rolled from the begin of the flow: that of the feeders, each by what it brings, times that
    of the way from them, times its own."""
    done: dict[str, Node] = {}
    for path, node in nodes.items():
        own = _with_yield(node)
        before = [done[one] for one in node.fed_by if one in done]
        rolled = own.yield_
        if before:
            weights = [one.out[0] for one in before]
            total = math.fsum(weights)
            brought = math.fsum(one.rolled * weight for one, weight in zip(before, weights, strict=True))
            rolled *= brought / total if total else math.nan
            rolled *= _with_yield(links[path]).yield_ if path in links else 1.0
        done[path] = replace(own, rolled=rolled)
    return done


def _whole(nodes: Mapping[str, Node]) -> Iterator[Node]:
    """All of a material together: in at the begin of the flow, out at its end."""
    several = list(nodes.values())
    if len(several) < 2:
        return
    first = several[0]
    node = Node(
        "",
        first.material,
        first.unit,
        _sum([one.into for one in several if not one.fed_by]),
        _sum([one.out for one in several if not one.feeds]),
        _sum([one.lost for one in several]),
        _sum([one.stock for one in several]),
        is_whole=True,
        symbol=first.symbol,
    )
    made = _with_yield(node)
    yield replace(made, rolled=made.yield_)
