"""Text with parameters: "{base + 10}" and "SN-{n}", worked out without running anything but whole-number arithmetic."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Scalar = bool | int | float | str
Scope = Mapping[str, Scalar]
Fill = Callable[[Scope], Scalar]

_BRACES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_ALLOWED: Final = re.compile(r"[\w\s+\-*/%()]{1,200}")
_FORMAT: Final = re.compile(r"\s*0[1-9]\s*")
_CURE: Final = "write {{ and }} for braces that are text"


class TemplateError(ValueError):
    """A template that cannot be read, or not be worked out with the values given."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with holes. names: the parameters it uses. fill(scope): the text; one that is nothing but a hole keeps the
    type of its value. fill raises TemplateError."""

    names: frozenset[str]
    fill: Fill


def parse(text: str) -> Template | str:
    """The template a text is, or the text itself, with {{ and }} as single braces, when it has no holes. Raises
    TemplateError."""
    if "{" not in text and "}" not in text:
        return text
    return _template(list(_pieces(text)))


def parse_payload(text: str, names: frozenset[str]) -> Template | str:
    """The same for text that is full of braces of its own, such as JSON: only a hole made of the parameters in `names`
    counts, everything else stays as it is."""
    pieces: list[str | Template] = []
    end = 0
    for match in _HOLE.finditer(text):
        try:
            hole = _hole(match[1])
        except TemplateError:
            continue
        if hole.names and hole.names <= names:
            pieces += [text[end : match.start()], hole]
            end = match.end()
    return _template([*pieces, text[end:]])


def _pieces(text: str) -> Iterator[str | Template]:
    end = 0
    for match in _BRACES.finditer(text):
        yield text[end : match.start()]
        end = match.end()
        token = match[0]
        if token in ("{{", "}}"):
            yield token[0]
        elif len(token) == 1:
            raise TemplateError(f'"{text}" has a single {token}; {_CURE}')
        else:
            yield _hole(match[1])
    yield text[end:]


def _template(pieces: list[str | Template]) -> Template | str:
    pieces = [piece for piece in pieces if piece != ""]
    holes = [piece for piece in pieces if isinstance(piece, Template)]
    if not holes:
        return "".join(piece for piece in pieces if isinstance(piece, str))
    names = frozenset().union(*(hole.names for hole in holes))
    if len(pieces) == 1:
        return holes[0]
    fills = tuple(piece.fill if isinstance(piece, Template) else _constant(piece) for piece in pieces)
    return Template(names, lambda scope: "".join([_text(fill(scope)) for fill in fills]))


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _constant(value: Scalar) -> Fill:
    return lambda scope: value


def _hole(inside: str) -> Template:
    source, colon, width = inside.partition(":")
    if not _ALLOWED.fullmatch(source):
        raise TemplateError(f"{{{inside}}} is not arithmetic of parameters (names, whole numbers, + - * // %); {_CURE}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise TemplateError(f"{{{inside}}} cannot be read as arithmetic of parameters; {_CURE}") from None
    names = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    fill = _compile(tree, inside)
    if colon:
        fill = _padded(fill, width, inside)
    return Template(names, fill)


def _padded(fill: Fill, width: str, inside: str) -> Fill:
    if not _FORMAT.fullmatch(width):
        raise TemplateError(f"{{{inside}}}: after the colon stands a width, {{n:03}} for 001, 002, ...")
    form = width.strip()
    whole = _whole(fill, inside)
    return lambda scope: format(whole(scope), form)


def _compile(node: ast.expr, inside: str) -> Fill:
    if isinstance(node, ast.Name):
        name = node.id
        return lambda scope: scope[name]
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return _constant(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = _whole(_compile(node.operand, inside), inside)
        return lambda scope: -operand(scope)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left = _whole(_compile(node.left, inside), inside)
        right = _whole(_compile(node.right, inside), inside)
        return _OPERATORS[type(node.op)](left, right, inside)
    raise TemplateError(f"{{{inside}}}: only names, whole numbers, parentheses and + - * // % are possible")


def _whole(fill: Fill, inside: str) -> Callable[[Scope], int]:
    def checked(scope: Scope) -> int:
        value = fill(scope)
        if type(value) is not int:
            raise TemplateError(f"{{{inside}}} needs whole numbers, and gets {value!r}")
        return value

    return checked


Number = Callable[[Scope], int]


def _divide(left: Number, right: Number, inside: str) -> Fill:
    def divided(scope: Scope) -> int:
        divisor = right(scope)
        if not divisor:
            raise TemplateError(f"{{{inside}}} divides by 0")
        return left(scope) // divisor

    return divided


def _remainder(left: Number, right: Number, inside: str) -> Fill:
    def rest(scope: Scope) -> int:
        divisor = right(scope)
        if not divisor:
            raise TemplateError(f"{{{inside}}} divides by 0")
        return left(scope) % divisor

    return rest


_OPERATORS: Final[dict[type[ast.operator], Callable[[Number, Number, str], Fill]]] = {
    ast.Add: lambda left, right, inside: lambda scope: left(scope) + right(scope),
    ast.Sub: lambda left, right, inside: lambda scope: left(scope) - right(scope),
    ast.Mult: lambda left, right, inside: lambda scope: left(scope) * right(scope),
    ast.FloorDiv: _divide,
    ast.Mod: _remainder,
}
