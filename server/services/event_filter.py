"""EventFilters: checked when an item is made, evaluated when an event happens (Part 4, 7.4, 7.7 and 7.22.3)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError

from server.services.event_like import matches
from server.services.events import BASE_EVENT, Event, EventTypes, Path

_Operator = ua.FilterOperator
_NUMBERS: Final = (int, float)
_NULL: Final = ua.Variant()


def _status(code: int) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(code))


_GOOD: Final = _status(0)


@dataclass(frozen=True, slots=True)
class Field:
    """A SimpleAttributeOperand: a field of events of a type (or any, for BaseEventType), or its ConditionId."""

    type_id: ua.NodeId
    path: Path
    attribute: int
    index_range: str | None

    def of(self, event: Event, types: EventTypes) -> ua.Variant:
        """The field's value; a null Variant where the event has none (Part 4, 7.22.3)."""
        if self.type_id != BASE_EVENT and self.type_id not in types.and_above(event.type):
            return _NULL
        if self.attribute == ua.AttributeIds.NodeId and not self.path:
            return ua.Variant(event.condition, ua.VariantType.NodeId) if event.condition else _NULL
        return event.fields.get(self.path, _NULL) if self.attribute == ua.AttributeIds.Value else _NULL


class EventSelection:
    """A checked EventFilter: which events, and which of their fields."""

    def __init__(self, asked: ua.EventFilter, types: EventTypes, most: int) -> None:
        """most: clauses of each kind. Raises ServiceError(BadEventFilterInvalid) where nothing could be selected or
        there are too many; `result` says what is wrong."""
        self._types = types
        clauses = asked.SelectClauses or []
        elements: Sequence[ua.ContentFilterElement] = (asked.WhereClause.Elements or []) if asked.WhereClause else []
        if not clauses or max(len(clauses), len(elements)) > most:
            raise ServiceError(ua.StatusCodes.BadEventFilterInvalid)
        self._fields = [_field(clause) for clause in clauses]
        self._elements = elements
        self.result = ua.EventFilterResult()
        self.result.SelectClauseResults = [_status(self._check_field(field)) for field in self._fields]
        checks = [self._check_element(index) for index in range(len(self._elements))]
        self.result.WhereClauseResult.ElementResults = checks
        self.valid = all(check.StatusCode.is_good() for check in checks)

    def _check_field(self, field: Field) -> int:
        codes = ua.StatusCodes
        if field.attribute not in (ua.AttributeIds.Value, ua.AttributeIds.NodeId):
            return int(codes.BadAttributeIdInvalid)
        if not self._types.is_event_type(field.type_id):
            return int(codes.BadTypeDefinitionInvalid)
        if field.path and not self._types.declares(field.type_id, field.path):
            return int(codes.BadNodeIdUnknown)
        return int(codes.Good)

    def _check_element(self, index: int) -> ua.ContentFilterElementResult:
        element = self._elements[index]
        operands = element.FilterOperands or []
        result = ua.ContentFilterElementResult(StatusCode=_GOOD, OperandStatusCodes=[_GOOD] * len(operands))
        wanted = _OPERANDS.get(element.FilterOperator)
        if wanted is None:
            result.StatusCode = _status(ua.StatusCodes.BadFilterOperatorUnsupported)
        elif not wanted[0] <= len(operands) <= wanted[1]:
            result.StatusCode = _status(ua.StatusCodes.BadFilterOperandCountMismatch)
        else:
            result.OperandStatusCodes = [_status(self._check_operand(operand, index)) for operand in operands]
            if not all(code.is_good() for code in result.OperandStatusCodes):
                result.StatusCode = _status(ua.StatusCodes.BadFilterOperandInvalid)
        return result

    def _check_operand(self, operand: Any, index: int) -> int:
        if isinstance(operand, ua.LiteralOperand):
            return int(ua.StatusCodes.Good)
        if isinstance(operand, ua.ElementOperand):  # only forward, so that no loop is possible (Part 4, 7.7.4.2)
            forward = index < operand.Index < len(self._elements)
            return int(ua.StatusCodes.Good if forward else ua.StatusCodes.BadFilterOperandInvalid)
        if isinstance(operand, ua.SimpleAttributeOperand):
            return self._check_field(_field(operand))
        return int(ua.StatusCodes.BadFilterOperandInvalid)

    def matches(self, event: Event) -> bool:
        """Whether the where clause is true; neither false nor unknown (Part 4, 7.7.3)."""
        values: dict[int, Any] = {}
        for index in reversed(range(len(self._elements))):  # elements refer to later ones only: each is worked out once
            values[index] = self._element(index, event, values)
        return not self._elements or values[0] is True

    def fields(self, event: Event) -> list[ua.Variant]:
        """The selected fields in order."""
        return [field.of(event, self._types) for field in self._fields]

    def _element(self, index: int, event: Event, later: Mapping[int, Any]) -> Any:
        element = self._elements[index]
        kind = element.FilterOperator
        if kind == _Operator.OfType:
            return self._operand(element.FilterOperands[0], event, later) in self._types.and_above(event.type)
        return _EVALUATE[kind](*(self._operand(operand, event, later) for operand in element.FilterOperands))

    def _operand(self, operand: Any, event: Event, later: Mapping[int, Any]) -> Any:
        if isinstance(operand, ua.ElementOperand):
            return later[operand.Index]
        if isinstance(operand, ua.SimpleAttributeOperand):
            return _field(operand).of(event, self._types).Value
        return operand.Value.Value if isinstance(operand.Value, ua.Variant) else operand.Value


def _field(clause: ua.SimpleAttributeOperand) -> Field:
    path = tuple((part.NamespaceIndex, part.Name) for part in clause.BrowsePath or ())
    type_id = clause.TypeDefinitionId
    if type_id is None or type_id.is_null():
        type_id = BASE_EVENT
    return Field(type_id, path, int(clause.AttributeId), clause.IndexRange)


def _text(value: Any) -> Any:
    return value.Text if isinstance(value, ua.LocalizedText) else value


def _comparable(left: Any, right: Any) -> bool:
    return type(left) is type(right) or (isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS))


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    def compared(left: Any, right: Any) -> bool | None:
        left, right = _text(left), _text(right)
        if left is None or right is None:
            return None
        return test(left, right) if _comparable(left, right) else False

    return compared


def _between(value: Any, low: Any, high: Any) -> bool | None:
    return _and(_compare(operator.ge)(value, low), _compare(operator.le)(value, high))


def _in_list(value: Any, *members: Any) -> bool | None:
    return any(_compare(operator.eq)(value, member) for member in members)


def _and(left: Any, right: Any) -> bool | None:
    if left is False or right is False:
        return False
    return True if left is True and right is True else None


def _or(left: Any, right: Any) -> bool | None:
    if left is True or right is True:
        return True
    return False if left is False and right is False else None


def _not(value: Any) -> bool | None:
    return not value if isinstance(value, bool) else None


def _bitwise(test: Callable[[int, int], int]) -> Callable[[Any, Any], int | None]:
    return lambda left, right: test(left, right) if isinstance(left, int) and isinstance(right, int) else None


def _like(text: Any, pattern: Any) -> bool | None:
    text, pattern = _text(text), _text(pattern)
    return matches(text, pattern) if isinstance(text, str) and isinstance(pattern, str) else None


def _cast(value: Any, type_id: Any) -> Any:
    """To a built-in type; null where that does not work (7.7.3)."""
    target = _CASTS.get(type_id.Identifier) if isinstance(type_id, ua.NodeId) else None
    try:
        return target(_text(value)) if target is not None and value is not None else None
    except (TypeError, ValueError):
        return None


def _to_bool(value: Any) -> bool:
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
    return bool(value)


_CASTS: Final[dict[Any, Callable[[Any], Any]]] = {
    1: _to_bool, **dict.fromkeys(range(2, 10), int), 10: float, 11: float, 12: str,
}  # fmt: skip
_EVALUATE: Final[dict[Any, Callable[..., Any]]] = {
    _Operator.Equals: _compare(operator.eq),
    _Operator.IsNull: lambda value: value is None,
    _Operator.GreaterThan: _compare(operator.gt),
    _Operator.LessThan: _compare(operator.lt),
    _Operator.GreaterThanOrEqual: _compare(operator.ge),
    _Operator.LessThanOrEqual: _compare(operator.le),
    _Operator.Like: _like,
    _Operator.Not: _not,
    _Operator.Between: _between,
    _Operator.InList: _in_list,
    _Operator.And: _and,
    _Operator.Or: _or,
    _Operator.Cast: _cast,
    _Operator.BitwiseAnd: _bitwise(operator.and_),
    _Operator.BitwiseOr: _bitwise(operator.or_),
}
_OPERANDS: Final[dict[Any, tuple[int, int]]] = {
    _Operator.Equals: (2, 2), _Operator.IsNull: (1, 1), _Operator.GreaterThan: (2, 2), _Operator.LessThan: (2, 2),
    _Operator.GreaterThanOrEqual: (2, 2), _Operator.LessThanOrEqual: (2, 2), _Operator.Like: (2, 2),
    _Operator.Not: (1, 1), _Operator.Between: (3, 3), _Operator.InList: (2, 1000), _Operator.And: (2, 2),
    _Operator.Or: (2, 2), _Operator.Cast: (2, 2), _Operator.OfType: (1, 1), _Operator.BitwiseAnd: (2, 2),
    _Operator.BitwiseOr: (2, 2),
}  # fmt: skip
