"""What an edge node has said about itself: who is alive, which alias means which metric, which message is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from drivers.mqtt.sparkplug.sparkplug_b_pb2 import Metric, Payload

_WRAP: Final = 256
_BD_SEQ: Final = "bdSeq"


class MetricId(NamedTuple):
    """A metric of a node (device None) or of one of its devices."""

    device: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a birth says about a metric. alias: None where data and commands go by its name."""

    id: MetricId
    datatype: int
    alias: int | None


@dataclass(slots=True)
class Births:
    """The certificates of one session of a node. born: the node's own (None) and its devices'. bd_seq: number of the
    session, by which a late death of an earlier one is known."""

    born: set[str | None] = field(default_factory=set)
    bd_seq: int | None = None
    _seq: int | None = None
    _by_alias: dict[int, Known] = field(default_factory=dict)
    _by_id: dict[MetricId, Known] = field(default_factory=dict)

    def node_born(self, payload: Payload) -> None:
        """A node's birth: a new session, in which its devices are still to be born."""
        self.born = {None}
        self._by_alias.clear()
        self._by_id.clear()
        self.bd_seq = bd_seq_of(payload)
        self._seq = payload.seq
        self._learn(None, payload)

    def device_born(self, device: str, payload: Payload) -> None:
        """A device's birth: all it ever sends."""
        self.born.add(device)
        for known in [known for known in self._by_id.values() if known.id.device == device]:
            del self._by_id[known.id]
            if known.alias is not None:
                self._by_alias.pop(known.alias, None)
        self._learn(device, payload)

    def _learn(self, device: str | None, payload: Payload) -> None:
        for metric in payload.metrics:
            alias = metric.alias if metric.HasField("alias") else None
            known = Known(MetricId(device, metric.name), metric.datatype, alias)
            self._by_id[known.id] = known
            if alias is not None:
                self._by_alias[alias] = known

    def find(self, device: str | None, metric: Metric) -> Known | None:
        """Which metric of a birth a metric of a data message is; None where no birth has it."""
        if metric.HasField("alias") and not metric.name:
            known = self._by_alias.get(metric.alias)
            return known if known is not None and known.id.device == device else None
        return self._by_id.get(MetricId(device, metric.name))

    def metric(self, wanted: MetricId) -> Known | None:
        """What the birth says about a metric."""
        return self._by_id.get(wanted)

    def due(self) -> int | None:
        """The sequence number of the next message; None before a birth."""
        return None if self._seq is None else (self._seq + 1) % _WRAP

    def repeated(self, payload: Payload) -> bool:
        """Whether it is the message before once more, as a broker sends it for overlapping subscriptions."""
        return payload.HasField("seq") and payload.seq == self._seq

    def arrived(self, payload: Payload) -> None:
        """Count from this message on."""
        if payload.HasField("seq"):
            self._seq = payload.seq

    def is_death_of_now(self, payload: Payload) -> bool:
        """Whether a node's death is of this session (Sparkplug 3.0, 5.5)."""
        told = bd_seq_of(payload)
        return told is None or self.bd_seq is None or told == self.bd_seq


def bd_seq_of(payload: Payload) -> int | None:
    """The session's number in a birth or death."""
    for metric in payload.metrics:
        if metric.name == _BD_SEQ:
            return metric.long_value or metric.int_value
    return None
