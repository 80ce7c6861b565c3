"""What an importer makes of its input before it is a plant file: tags with their place, and what there is to tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from server.config.bodies import DIAGNOSTICS, RESERVED


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to tell about the input. where: a line ("12") or a JSON pointer ("#/properties/level"), "" for all of
    it; skipped: what stands there is not in the plant file."""

    where: str
    message: str
    skipped: bool = True

    def place(self) -> int:
        """For sorting: by line; pointers stay in their order."""
        return int(self.where) if self.where.isdigit() else 0


@dataclass(frozen=True, slots=True, eq=False)
class TagDraft:
    """A tag or command. where: as in Finding; twin: names from the root; spec: its keys in the plant file, in order;
    remark: a comment behind it."""

    where: str
    twin: tuple[str, ...]
    name: str
    command: bool
    spec: dict[str, Any]
    remark: str = ""


@dataclass(slots=True)
class PlantDraft:
    """A plant file to be. connections: settings by name, `driver` first; of_twin: keys of a twin (description,
    identification, ...) by its path; tags name no connection where there is one only."""

    name: str
    connections: dict[str, dict[str, Any]]
    tags: list[TagDraft] = field(default_factory=list)
    description: str = ""
    of_twin: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)

    def usual_rate_s(self) -> float:
        """The rate most tags have."""
        rates = Counter(tag.spec["rate_s"] for tag in self.tags if "rate_s" in tag.spec)
        return float(rates.most_common(1)[0][0]) if rates else 1.0


def usable_name(text: str) -> tuple[str, str]:
    """A name that may stand in a plant file, as near to the text as can be, and what was changed, "" for nothing."""
    name = "".join(mark if mark.isprintable() else " " for mark in text)
    name = name.replace("/", "_").replace(".", "_")[:200].strip()
    if name in RESERVED or name in DIAGNOSTICS:
        return f"{name}_", f"{name} is a name that every twin has below it already; it is called {name}_"
    return name, f'"{text}" cannot be a name; it is called {name}' if name != text else ""


def plant_name(text: str) -> str:
    """A plant's name out of any text."""
    name = "".join(mark if mark.isalnum() or mark in "_-" else "_" for mark in text).strip("_-")
    return name or "Plant"
