"""What is asked of the bridge over a session: references, values, calls with their diagnostics."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

_OPERATION_ADDITIONAL_INFO: Final = 0x80
"""Bit of returnDiagnostics (Part 4, 7.33): tell in words what is wrong."""
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a call. words: what the bridge says beyond the StatusCode. argument_status, argument_words: of each
    input argument, where one is wrong."""

    status: ua.StatusCode
    words: str
    argument_status: tuple[ua.StatusCode, ...]
    argument_words: tuple[str, ...]
    outputs: tuple[ua.Variant, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """An attribute of a node. value: None where there is none; time: SourceTimestamp."""

    value: Any
    status: ua.StatusCode
    time: datetime | None

    @property
    def good(self) -> bool:
        """Whether its status is Good."""
        return self.status.is_good()


class Desk:
    """A session. namespace: index of the plant's namespace."""

    def __init__(self, client: Client, namespace: int) -> None:
        self.client = client
        self.namespace = namespace

    def node_id(self, path: str) -> ua.NodeId:
        """Of a path of the plant."""
        return ua.NodeId(ua.String(path), ua.Int16(self.namespace))

    async def below(self, path: str, reference: int, classes: int) -> list[ua.ReferenceDescription]:
        """The forward references of a node to nodes of these classes (bits of NodeClass); none where there is no such
        node. path "": the Objects folder."""
        node = self.client.get_node(self.node_id(path)) if path else self.client.nodes.objects
        try:
            found: list[ua.ReferenceDescription] = await node.get_references(
                reference, ua.BrowseDirection.Forward, ua.NodeClass(classes), includesubtypes=True
            )
        except ua.uaerrors.BadNodeIdUnknown:
            return []
        return found

    async def read(self, paths: Sequence[str], attribute: ua.AttributeIds = ua.AttributeIds.Value) -> list[Held]:
        """One attribute of many nodes."""
        nodes = [self.node_id(path) for path in paths]
        parts = [nodes[at : at + _AT_ONCE] for at in range(0, len(nodes), _AT_ONCE)]
        answers = await asyncio.gather(*(self.client.uaclient.read_attributes(part, attribute) for part in parts))
        return [_held(one) for answer in answers for one in answer]

    async def value(self, path: str) -> Any:
        """The value of one node, None where it is not Good."""
        (answer,) = await self.read([path])
        return answer.value if answer.good else None

    async def write(self, path: str, value: ua.Variant) -> tuple[ua.StatusCode, str]:
        """The StatusCode, once the device has confirmed or refused, and what the bridge says beyond it."""
        request = ua.WriteRequest()
        request.Parameters.NodesToWrite = [
            ua.WriteValue(self.node_id(path), ua.AttributeIds.Value, Value=ua.DataValue(value))
        ]
        answer = struct_from_binary(ua.WriteResponse, await self._explained(request))
        return answer.Results[0], _first_words(answer.DiagnosticInfos)

    async def call(self, owner: str, method: str, arguments: Sequence[ua.Variant]) -> Reply:
        """Call a method of an object and ask what is wrong when it is refused."""
        request = ua.CallRequest()
        one = ua.CallMethodRequest(self.node_id(owner), self.node_id(method), list(arguments))
        request.Parameters.MethodsToCall = [one]
        answer = struct_from_binary(ua.CallResponse, await self._explained(request))
        result = answer.Results[0]
        return Reply(
            result.StatusCode,
            _first_words(answer.DiagnosticInfos),
            tuple(result.InputArgumentResults or ()),
            tuple(_words(info) for info in result.InputArgumentDiagnosticInfos or ()),
            tuple(result.OutputArguments or ()),
        )

    async def _explained(self, request: ua.CallRequest | ua.WriteRequest) -> Any:
        """The response to a request that asks for words, still encoded."""
        request.RequestHeader.ReturnDiagnostics = ua.UInt32(_OPERATION_ADDITIONAL_INFO)
        protocol = self.client.uaclient.protocol
        if protocol is None:
            raise ConnectionError("the connection was lost")
        return await protocol.send_request(request)


def _held(one: ua.DataValue) -> Held:
    value = one.Value.Value if one.Value is not None else None
    return Held(value, one.StatusCode or ua.StatusCode(), one.SourceTimestamp)


def _first_words(infos: Sequence[ua.DiagnosticInfo] | None) -> str:
    return _words(infos[0]) if infos else ""


def _words(info: ua.DiagnosticInfo) -> str:
    return str(info.AdditionalInfo or "")
