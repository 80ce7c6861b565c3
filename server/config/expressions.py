"""Expressions over tags, such as "Pump1.Running and Flow < 5": read once, then worked out for any number of rows.

The evaluator is simpleeval's; here it is bound to columns, and to nothing but comparisons and arithmetic.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import pairwise
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from simpleeval import InvalidExpression, SimpleEval

Column = npt.NDArray[np.float64]
States = Callable[[str], tuple[str, ...]]
"""From a name in the expression, as written, to the state names of its tag."""

_COMPARE: Final[dict[type[ast.AST], Any]] = {
    ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Gt: np.greater, ast.Lt: np.less, ast.GtE: np.greater_equal,
    ast.LtE: np.less_equal,
}  # fmt: skip
_COMPUTE: Final[dict[type[ast.AST], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide, ast.Mod: np.mod,
    ast.FloorDiv: np.floor_divide, ast.USub: np.negative, ast.UAdd: np.positive, ast.Not: np.logical_not,
}  # fmt: skip
_FUNCTIONS: Final[dict[str, Any]] = {
    "abs": lambda column: np.abs(column),  # a second argument of np.abs would be written to
    "min": lambda *columns: reduce(np.minimum, columns),
    "max": lambda *columns: reduce(np.maximum, columns),
}
_CONSTANTS: Final = {"true": 1.0, "false": 0.0, "True": 1.0, "False": 0.0}
_OFFERED: Final = "names of tags, numbers, and, or, not, comparisons, + - * / % //, abs, min, max and parentheses"
_PATH: Final = re.compile(r"(\.\.|\w)/")


class ExpressionError(ValueError):
    """An expression that cannot be read; the message says why, and what would be right."""


class Expression:
    """names: of tags, dotted as they were written, by the identifier that stands for each. text: the expression with
    those identifiers, equal for rules that differ in their tags only. states: None while the tags are not known, and
    every text may be a state. Raises ExpressionError."""

    def __init__(self, text: str, states: States | None = None) -> None:
        self.names: dict[str, str] = {}
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            cure = (
                "give a tag elsewhere a name: tags: {level: ../Tank/Level}" if _PATH.search(text) else f"use {_OFFERED}"
            )
            raise ExpressionError(f"cannot be read; {cure}") from None
        try:
            self._tree = ast.fix_missing_locations(ast.Expr(_Reader(self.names, states).visit(tree)))
            self.text = ast.unparse(self._tree)
            self._evaluator = _columns()
            self._worked_out({name: np.zeros(1) for name in self.names})
        except ExpressionError:
            raise
        except RecursionError:
            raise ExpressionError("is nested too deep; make two rules of it") from None
        except InvalidExpression:
            raise ExpressionError(f"holds something that is not possible here; use {_OFFERED}") from None
        except (TypeError, ValueError):
            raise ExpressionError("calls a function with too few or too many values") from None
        if not self.names:
            raise ExpressionError("names no tag; it would always say the same")

    def answers(self, booleans: frozenset[str]) -> bool:
        """Whether it says yes or no, and not a number. booleans: names, as written, of tags that do."""
        yes_or_no, number = np.zeros(1, np.bool_), np.zeros(1)
        columns = {name: yes_or_no if dotted in booleans else number for name, dotted in self.names.items()}
        return bool(np.asarray(self._worked_out(columns)).dtype == np.bool_)

    def evaluate(self, columns: Mapping[str, Column]) -> npt.NDArray[np.bool_]:
        """Where it holds: bool[n] from a float64[n] for each of `names`. Whatever is NaN makes no comparison true."""
        return cast(npt.NDArray[np.bool_], np.asarray(self._worked_out(columns)) != 0)

    def _worked_out(self, columns: Mapping[str, Any]) -> Any:
        self._evaluator.names = columns
        with np.errstate(all="ignore"):
            return self._evaluator.eval("", self._tree)


class _Reader(ast.NodeTransformer):
    """Makes identifiers of dotted names, numbers of states, and one kind of number of all numbers."""

    def __init__(self, names: dict[str, str], states: States | None) -> None:
        self._names = names
        self._states = states

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(_CONSTANTS[node.id]) if node.id in _CONSTANTS else self._named(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self._named(_dotted(node))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, (int, float)) and abs(node.value) < 1e300:
            return ast.Constant(float(node.value))
        raise ExpressionError(
            f"{ast.unparse(node)[:40]} has no place here; text can only be compared with a tag's state"
        )

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords:
            raise ExpressionError(f"there is no function {ast.unparse(node.func)[:40]}; use {_OFFERED}")
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        sides = [node.left, *node.comparators]
        names = [_dotted(side) for side in sides if isinstance(side, (ast.Name, ast.Attribute))]
        made = [self._state(side, names) if _is_text(side) else self.visit(side) for side in sides]
        return ast.Compare(made[0], node.ops, made[1:])

    def _state(self, node: ast.expr, names: list[str]) -> ast.expr:
        if self._states is None:
            return ast.Constant(0.0)
        text = str(cast(ast.Constant, node).value)
        known = [state for name in names for state in self._states(name)]
        for name in names:
            if text in self._states(name):
                return ast.Constant(float(self._states(name).index(text)))
        raise ExpressionError(
            f'"{text}" is no state of {" or ".join(names) or "a tag"}; states are {", ".join(known) or "none"}'
        )

    def _named(self, dotted: str) -> ast.expr:
        found = next((name for name, known in self._names.items() if known == dotted), None)
        name = found or dotted.replace(".", "_")
        while found is None and name in self._names:
            name += "_"
        self._names[name] = dotted
        return ast.Name(name, ast.Load())


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ExpressionError(f"{ast.unparse(node)[:40]} is no tag; before a dot stands the name of a twin")


def _columns() -> SimpleEval:
    """simpleeval over arrays: `and`, `or` and comparisons by element, and no other kind of node than these."""
    evaluator = SimpleEval(operators={**_COMPARE, **_COMPUTE}, functions=_FUNCTIONS, names={})
    work = evaluator._eval

    def combine(node: ast.BoolOp) -> Any:
        return reduce(np.logical_and if isinstance(node.op, ast.And) else np.logical_or, map(work, node.values))

    def compare(node: ast.Compare) -> Any:
        if not all(type(op) in _COMPARE for op in node.ops):
            raise InvalidExpression
        sides = [work(node.left), *map(work, node.comparators)]
        parts = [_COMPARE[type(op)](*pair) for op, pair in zip(node.ops, pairwise(sides), strict=True)]
        return reduce(operator.and_, parts)

    kept = (ast.Expr, ast.Name, ast.UnaryOp, ast.BinOp, ast.Call, ast.Constant)
    evaluator.nodes = {kind: evaluator.nodes[kind] for kind in kept} | {ast.BoolOp: combine, ast.Compare: compare}
    return evaluator
