"""What is wrong with a plant file: where, what, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Place = int
"""A position in one of the files read, packed by `Problems.place`: 4 bytes each, as there is one per key and value."""

_LINE_BITS: Final = 24
_COLUMN_BITS: Final = 16
_COLUMN_MASK: Final = (1 << _COLUMN_BITS) - 1
_LINE_MASK: Final = (1 << _LINE_BITS) - 1


@dataclass(frozen=True, slots=True, order=True)
class PlantError:
    """One error. line and column count from 1; in a CSV file column is the number of the field. twins: paths of those
    it shows in, where they were made from a type or by instances."""

    file: Path
    line: int
    column: int
    message: str
    twins: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class PlantFileError(Exception):
    """A plant file that cannot be used; errors holds everything that is wrong with it, in the order of the files."""

    def __init__(self, errors: tuple[PlantError, ...]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


@dataclass(slots=True)
class _Found:
    message: str
    twins: dict[str, None] = field(default_factory=dict)


class Problems:
    """Collects errors. The same one at the same place, found in many twins made from one text, is reported once."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._found: dict[tuple[Place, str], _Found] = {}

    def __len__(self) -> int:
        return len(self._found)

    def file(self, path: Path) -> int:
        """The number of a file, for `place`."""
        self._files.append(path)
        return len(self._files) - 1

    @property
    def files(self) -> int:
        """How many files there are so far."""
        return len(self._files)

    @staticmethod
    def place(file: int, line: int, column: int) -> Place:
        """A position; line and column count from 1."""
        return (file << _LINE_BITS | min(line, _LINE_MASK)) << _COLUMN_BITS | min(column, _COLUMN_MASK)

    def path_of(self, place: Place) -> Path:
        """The file a position is in."""
        return self._files[place >> (_LINE_BITS + _COLUMN_BITS)]

    def add(self, place: Place, message: str, twin: str = "", kind: str = "") -> None:
        """Report an error. twin: path of the twin it shows in, when it was made from a type or by instances; kind: what
        makes two errors at one place the same, where the message differs from twin to twin."""
        found = self._found.setdefault((place, kind or message), _Found(message))
        if twin:
            found.twins.setdefault(twin)

    def describe(self, place: Place) -> str:
        """A position for a message: "plant.yaml:12"."""
        return f"{self.path_of(place).name}:{place >> _COLUMN_BITS & _LINE_MASK}"

    def errors(self) -> tuple[PlantError, ...]:
        """All errors by file, line and column."""
        return tuple(
            PlantError(
                self.path_of(place),
                place >> _COLUMN_BITS & _LINE_MASK,
                place & _COLUMN_MASK,
                found.message + _where(list(found.twins)),
                tuple(found.twins),
            )
            for (place, _), found in sorted(self._found.items(), key=lambda item: item[0][0])
        )

    def raise_if_any(self) -> None:
        """Raises PlantFileError when something was reported."""
        if self._found:
            raise PlantFileError(self.errors())


def did_you_mean(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """The end of a message about an unknown word: the nearest right one, else the choices when they are few."""
    known = list(choices)
    lower = {choice.lower(): choice for choice in known}
    near = difflib.get_close_matches(word.lower(), lower, 1, 0.6)
    if near:
        return f"; did you mean {lower[near[0]]}?"
    if not known:
        return otherwise and f"; {otherwise}"
    listed = ", ".join(known[:15]) + (", ..." if len(known) > 15 else "")
    return f"; known: {listed}"


def _where(twins: list[str]) -> str:
    if not twins:
        return ""
    return f" (in {twins[0]})" if len(twins) == 1 else f" (in {len(twins)} twins, the first is {twins[0]})"
