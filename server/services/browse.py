"""Following references: Browse with its filters, result mask and continuation points, and browse paths."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace, NodeData

from server.services.wire import status_code

_NO_NODE: Final = ua.NodeId()
_WHOLE_PATH: Final = 0xFFFFFFFF
_MASKED: Final[dict[ua.BrowseResultMask, tuple[str, Callable[[], Any]]]] = {
    ua.BrowseResultMask.ReferenceTypeId: ("ReferenceTypeId", ua.NodeId),
    ua.BrowseResultMask.IsForward: ("IsForward", lambda: False),
    ua.BrowseResultMask.NodeClass: ("NodeClass", lambda: ua.NodeClass.Unspecified),
    ua.BrowseResultMask.BrowseName: ("BrowseName", lambda: ua.QualifiedName(None)),
    ua.BrowseResultMask.DisplayName: ("DisplayName", ua.LocalizedText),
    ua.BrowseResultMask.TypeDefinition: ("TypeDefinition", ua.NodeId),
}
_EVERYTHING: Final = 0x3F
_FIELDS: Final = tuple(name for name, _ in _MASKED.values())


@dataclass(slots=True)
class Description:
    """A BrowseDescription whose direction may be any number: a wrong one is an error of its own, not of decoding."""

    NodeId: ua.NodeId = field(default_factory=ua.NodeId)
    BrowseDirection: ua.Int32 = field(default_factory=ua.Int32)
    ReferenceTypeId: ua.NodeId = field(default_factory=ua.NodeId)
    IncludeSubtypes: ua.Boolean = field(default_factory=ua.Boolean)
    NodeClassMask: ua.UInt32 = field(default_factory=ua.UInt32)
    ResultMask: ua.UInt32 = field(default_factory=ua.UInt32)


@dataclass(slots=True)
class View:
    """BrowseParameters with the above."""

    View: ua.ViewDescription = field(default_factory=ua.ViewDescription)
    RequestedMaxReferencesPerNode: ua.UInt32 = field(default_factory=ua.UInt32)
    NodesToBrowse: list[Description] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rest:
    references: Sequence[ua.ReferenceDescription]
    most: int


class BrowsePoints:
    """The continuation points of one session; of use once, and at most `limit` at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rests: dict[bytes, _Rest] = {}

    def page(self, references: Sequence[ua.ReferenceDescription], most: int) -> ua.BrowseResult:
        """The first `most` references, with a continuation point for the rest."""
        result = ua.BrowseResult()
        if len(references) > most:
            if len(self._rests) >= self._limit:
                return _failed(ua.StatusCodes.BadNoContinuationPoints)
            result.ContinuationPoint = secrets.token_bytes(16)
            self._rests[result.ContinuationPoint] = _Rest(references[most:], most)
        result.References = list(references[:most])
        return result

    def next(self, point: bytes | None) -> ua.BrowseResult:
        """The next page, or BadContinuationPointInvalid."""
        rest = self._rests.pop(point or b"", None)
        if rest is None:
            return _failed(ua.StatusCodes.BadContinuationPointInvalid)
        return self.page(rest.references, rest.most)

    def release(self, point: bytes | None) -> ua.BrowseResult:
        """Forget a point."""
        known = self._rests.pop(point or b"", None) is not None
        return ua.BrowseResult() if known else _failed(ua.StatusCodes.BadContinuationPointInvalid)


class Browser:
    """Follows references in an address space; made anew for each request, so that types may change in between."""

    def __init__(self, aspace: AddressSpace) -> None:
        self._aspace = aspace
        self._subtypes: dict[ua.NodeId, frozenset[ua.NodeId]] = {}

    def browse(self, wanted: Description, most: int, points: BrowsePoints) -> ua.BrowseResult:
        """The references of one node that pass the filters."""
        if wanted.BrowseDirection not in (0, 1, 2):
            return _failed(ua.StatusCodes.BadBrowseDirectionInvalid)
        node = self._aspace.get(wanted.NodeId)
        if node is None:
            return _failed(ua.StatusCodes.BadNodeIdUnknown)
        types = None
        if not wanted.ReferenceTypeId.is_null():
            types = self.reference_types(wanted.ReferenceTypeId, bool(wanted.IncludeSubtypes))
            if types is None:
                return _failed(ua.StatusCodes.BadReferenceTypeIdInvalid)
        chosen = [
            self._described(reference, wanted.ResultMask)
            for reference in self._filtered(node, wanted.BrowseDirection, types)
            if not wanted.NodeClassMask or int(self._node_class(reference)) & wanted.NodeClassMask
        ]
        return points.page(chosen, most)

    def translate(self, path: ua.BrowsePath) -> ua.BrowsePathResult:
        """The nodes a relative path leads to."""
        elements = path.RelativePath.Elements
        result = ua.BrowsePathResult()
        status = self._path_status(path)
        if status:
            result.StatusCode = status_code(status)
            return result
        current = [path.StartingNode]
        for number, element in enumerate(elements):
            found = [target for node_id in current for target in self._step(node_id, element)]
            current = list(dict.fromkeys(found))
            outside = [target for target in current if target not in self._aspace]
            for target in outside:
                result.Targets.append(ua.BrowsePathTarget(target, ua.UInt32(_index(number + 1, len(elements)))))
            current = [target for target in current if target in self._aspace]
        result.Targets += [ua.BrowsePathTarget(target, ua.UInt32(_WHOLE_PATH)) for target in current]
        if not result.Targets:
            result.StatusCode = status_code(ua.StatusCodes.BadNoMatch)
        return result

    def reference_types(self, reference_type: ua.NodeId, include_subtypes: bool) -> frozenset[ua.NodeId] | None:
        """The type and, if wanted, all below it; None when it is no ReferenceType."""
        node = self._aspace.get(reference_type)
        if node is None or _attribute(node, ua.AttributeIds.NodeClass) != ua.NodeClass.ReferenceType:
            return None
        if not include_subtypes:
            return frozenset((node.nodeid,))
        if reference_type not in self._subtypes:
            self._subtypes[reference_type] = self._below(node)
        return self._subtypes[reference_type]

    def _below(self, node: NodeData) -> frozenset[ua.NodeId]:
        found = {node.nodeid}
        waiting = [node]
        while waiting:
            for reference in waiting.pop().references:
                if reference.IsForward and _is_subtype(reference) and reference.NodeId not in found:
                    found.add(reference.NodeId)
                    below = self._aspace.get(reference.NodeId)
                    if below is not None:
                        waiting.append(below)
        return frozenset(found)

    def _filtered(
        self, node: NodeData, direction: int, types: frozenset[ua.NodeId] | None
    ) -> list[ua.ReferenceDescription]:
        forward, inverse = direction in (0, 2), direction in (1, 2)
        return [
            reference
            for reference in node.references
            if (forward if reference.IsForward else inverse) and (types is None or reference.ReferenceTypeId in types)
        ]

    def _step(self, node_id: ua.NodeId, element: ua.RelativePathElement) -> list[ua.NodeId]:
        node = self._aspace.get(node_id)
        if node is None:
            return []
        types = None
        if not element.ReferenceTypeId.is_null():
            types = self.reference_types(element.ReferenceTypeId, bool(element.IncludeSubtypes)) or frozenset()
        direction = 1 if element.IsInverse else 0
        found = self._filtered(node, direction, types)
        return [reference.NodeId for reference in found if self._browse_name(reference) == element.TargetName]

    def _path_status(self, path: ua.BrowsePath) -> int:
        elements = path.RelativePath.Elements
        if path.StartingNode not in self._aspace:
            return int(ua.StatusCodes.BadNodeIdUnknown)
        if not elements:
            return int(ua.StatusCodes.BadNothingToDo)
        if any(element.TargetName is None or not element.TargetName.Name for element in elements):
            return int(ua.StatusCodes.BadBrowseNameInvalid)
        return 0

    def _described(self, reference: ua.ReferenceDescription, mask: int) -> ua.ReferenceDescription:
        complete = self._complete(reference)
        if mask & _EVERYTHING == _EVERYTHING:
            return complete
        out = ua.ReferenceDescription(NodeId=complete.NodeId)
        for bit, (name, empty) in _MASKED.items():
            setattr(out, name, getattr(complete, name) if mask & bit else empty())
        return out

    def _complete(self, reference: ua.ReferenceDescription) -> ua.ReferenceDescription:
        """A reference that was stored before its target was known says too little; a type definition that belongs to
        a node without one says too much."""
        instance = reference.NodeClass in (ua.NodeClass.Object, ua.NodeClass.Variable)
        named = reference.BrowseName is not None and reference.BrowseName.Name
        if named and reference.NodeClass and instance != reference.TypeDefinition.is_null():
            return reference
        target = self._aspace.get(reference.NodeId)
        if target is None:
            return reference
        out = ua.ReferenceDescription(**{name: getattr(reference, name) for name in (*_FIELDS, "NodeId")})
        out.NodeClass = ua.NodeClass(_attribute(target, ua.AttributeIds.NodeClass))
        out.BrowseName = _attribute(target, ua.AttributeIds.BrowseName)
        out.DisplayName = _attribute(target, ua.AttributeIds.DisplayName)
        out.TypeDefinition = _type_definition(target)
        return out

    def _node_class(self, reference: ua.ReferenceDescription) -> ua.NodeClass:
        node_class: ua.NodeClass = reference.NodeClass or self._complete(reference).NodeClass
        return node_class

    def _browse_name(self, reference: ua.ReferenceDescription) -> Any:
        named = reference.BrowseName is not None and reference.BrowseName.Name
        return reference.BrowseName if named else self._complete(reference).BrowseName


def _index(number: int, count: int) -> int:
    return number if number < count else _WHOLE_PATH


def _is_subtype(reference: ua.ReferenceDescription) -> bool:
    kind = reference.ReferenceTypeId
    return bool(kind.NamespaceIndex == 0 and kind.Identifier == ua.ObjectIds.HasSubtype)


def _attribute(node: NodeData, attribute: ua.AttributeIds) -> Any:
    found = node.attributes.get(attribute)
    value = found.value if found is not None else None
    return value.Value.Value if value is not None and value.Value is not None else None


def _type_definition(node: NodeData) -> ua.NodeId:
    if _attribute(node, ua.AttributeIds.NodeClass) not in (ua.NodeClass.Object, ua.NodeClass.Variable):
        return _NO_NODE
    for reference in node.references:
        if reference.IsForward and reference.ReferenceTypeId.Identifier == ua.ObjectIds.HasTypeDefinition:
            kind: ua.NodeId = reference.NodeId
            return kind
    return _NO_NODE


def _failed(status: int) -> ua.BrowseResult:
    return ua.BrowseResult(StatusCode=status_code(status))
