"""Engineering units by their UNECE common code (Recommendation 20), as OPC UA names them (Part 8, 5.6.3)."""

from __future__ import annotations

import csv
import difflib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

NAMESPACE_URI: Final = "http://www.opcfoundation.org/UA/units/un/cefact"
"""The namespaceUri of EUInformation for these units."""

_SAME = str.maketrans(
    {
        "²": "2",
        "³": "3",
        "⁻": "-",
        "¹": "1",
        "₂": "2",
        "μ": "u",
        "µ": "u",
        "·": "",
        "º": "°",
        "Ω": "Ω",
        "×": "",
        "^": "",
    }
)
_WORDS: Final = {
    "rpm": "r/min", "1/min": "r/min", "u/min": "r/min", "degc": "°c", "deg.c": "°c", "celsius": "°c", "degf": "°f",
    "fahrenheit": "°f", "deg": "°", "pct": "%", "percent": "%", "%rh": "%", "psi": "lbf/in2", "cbm": "m3", "sec": "s",
    "lpm": "l/min", "lps": "l/s", "cfm": "ft3/min", "gpm": "gal(us)/min", "kph": "km/h", "mph": "mile/h",
    "ohm": "Ω", "kohm": "kΩ", "cbm/h": "m3/h", "nm3/h": "m3/h", "hr": "h", "hours": "h", "days": "d",
    "-": "1", "none": "1", "liter": "l", "litre": "l", "meter": "m", "ton": "t", "g's": "gn",
}  # fmt: skip
"""What people write instead of a unit's symbol."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: common code, symbol (EUInformation.displayName; the name where it has none), name (its description)."""

    code: str
    symbol: str
    name: str

    @property
    def unit_id(self) -> int:
        """EUInformation.unitId: the ASCII bytes of the code as one big-endian integer."""
        return unit_id(self.code)


def unit_id(code: str) -> int:
    """The unitId of a common code, e.g. 4408652 for CEL; any code of at most four ASCII characters has one."""
    return int.from_bytes(code.encode("ascii"), "big")


def unit(code: str) -> Unit:
    """The unit with that common code; raises KeyError where it is unknown (`nearest` then helps)."""
    return _table()[code]


def nearest(text: str) -> list[str]:
    """Up to three common codes that `text` (a wrong code, a symbol or a name) may have meant, the likeliest first."""
    found = _meant(text)
    if not found:
        found = [_by_name()[name] for name in difflib.get_close_matches(text.lower(), _by_name(), 3, 0.75)]
    if not found:
        found = difflib.get_close_matches(text.upper(), _table(), 3, 0.5)
    return list(dict.fromkeys(found))[:3]


def known(text: str) -> str | None:
    """The common code that `text` (a code, a symbol, a name or a usual way to write one) means beyond doubt."""
    return next(iter(_meant(text)), None) or _by_name().get(text.lower().strip())


def _meant(text: str) -> list[str]:
    plain = _plain(text)
    word = _WORDS.get(plain.lower(), plain)
    exact, loose = _by_symbol()
    as_code = [text.upper()] if text.upper() in _table() else []
    return [*exact.get(word, ()), *as_code, *loose.get(word.lower(), ())]


@cache
def _table() -> dict[str, Unit]:
    lines = (files("nodesets") / "unece_units.csv").read_text("utf-8").splitlines()
    return {row["code"]: Unit(row["code"], row["symbol"] or row["name"], row["name"]) for row in csv.DictReader(lines)}


@cache
def _by_symbol() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Codes by symbol, exactly and without regard to case; the common three-letter codes first."""
    exact: dict[str, list[str]] = defaultdict(list)
    loose: dict[str, list[str]] = defaultdict(list)
    for entry in sorted(_table().values(), key=lambda entry: not (entry.code.isalpha() and len(entry.code) == 3)):
        exact[_plain(entry.symbol)].append(entry.code)
        loose[_plain(entry.symbol).lower()].append(entry.code)
    return dict(exact), dict(loose)


@cache
def _by_name() -> dict[str, str]:
    return {entry.name.lower(): entry.code for entry in _table().values()}


def _plain(symbol: str) -> str:
    return symbol.translate(_SAME).replace(" ", "").strip("[]")
