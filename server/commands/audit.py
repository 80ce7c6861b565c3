"""What is kept of every command, whoever gave it and however it ended."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.status import name


@dataclass(frozen=True, slots=True)
class CommandAudit:
    """One attempt. time_ticks: when it ended (100 ns since 1601, UTC); path: of the command or method; old: the value
    before, None where there was none; new: what was written, or was to be; status: what the client got; reason: why,
    for a person, "" for a plain Good."""

    time_ticks: int
    user: str
    path: str
    old: object
    new: object
    status: int
    reason: str

    def __str__(self) -> str:
        told = f" ({self.reason})" if self.reason else ""
        return f"{self.user!r} wrote {self.new!r} to {self.path}, before {self.old!r}: {name(self.status)}{told}"
