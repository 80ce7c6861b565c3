"""Topics of Sparkplug B (Sparkplug 3.0, 4): whose message, and of which kind."""

from __future__ import annotations

from typing import Final, NamedTuple

NAMESPACE: Final = "spBv1.0"
BIRTHS: Final = ("NBIRTH", "DBIRTH")
DEATHS: Final = ("NDEATH", "DDEATH")
DATA: Final = ("NDATA", "DDATA")


class NodeId(NamedTuple):
    """An edge node."""

    group: str
    node: str

    def __str__(self) -> str:
        return f"{self.group}/{self.node}"


class Address(NamedTuple):
    """What a topic says. device: None for the node itself."""

    kind: str
    device: str | None


def messages_of(node: NodeId) -> str:
    """The filter of all messages of a node and its devices."""
    return f"{NAMESPACE}/{node.group}/+/{node.node}/#"


def command_topic(node: NodeId, device: str | None) -> str:
    """Where commands to a node or its device go."""
    start = f"{NAMESPACE}/{node.group}/{'NCMD' if device is None else 'DCMD'}/{node.node}"
    return start if device is None else f"{start}/{device}"


def state_topic(host_id: str) -> str:
    """Where a host application says whether it is there."""
    return f"{NAMESPACE}/STATE/{host_id}"


def address(topic: str) -> Address | None:
    """What a topic below `messages_of` says; None for what is no message of a node, such as a command to it."""
    levels = topic.split("/")
    kind, device = levels[2], levels[4] if len(levels) == 5 else None
    if kind not in (*BIRTHS, *DEATHS, *DATA) or len(levels) > 5 or (kind[0] == "D") != (device is not None):
        return None
    return Address(kind, device)
