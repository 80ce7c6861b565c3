"""Users, and what the well-known roles of OPC UA (Part 3, 4.9; Part 18) may do here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Well-known roles by their BrowseName."""

    Anonymous = "Anonymous"
    AuthenticatedUser = "AuthenticatedUser"
    Observer = "Observer"
    Operator = "Operator"
    Engineer = "Engineer"
    Supervisor = "Supervisor"
    ConfigureAdmin = "ConfigureAdmin"
    SecurityAdmin = "SecurityAdmin"


ASSIGNABLE: Final = (
    Role.Observer,
    Role.Operator,
    Role.Engineer,
    Role.Supervisor,
    Role.ConfigureAdmin,
    Role.SecurityAdmin,
)
"""Roles that a user can be given; the other two come by themselves."""

_OPERATES: Final = frozenset({Role.Operator, Role.Supervisor, Role.Engineer, Role.ConfigureAdmin})
_EDITS_HISTORY: Final = frozenset({Role.Engineer, Role.ConfigureAdmin})
_ENGINEERS: Final = frozenset({Role.Engineer, Role.ConfigureAdmin})
_ADMINISTERS: Final = frozenset({Role.ConfigureAdmin, Role.SecurityAdmin})


@dataclass(frozen=True, slots=True)
class User:
    """Who a session acts for. Two users are the same when name and kind of login agree.

    kind: "anonymous", "username" or "certificate"; certificate: SHA-1 thumbprint in hexadecimal for the last.
    """

    name: str
    roles: frozenset[Role]
    kind: str = "username"
    certificate: str = ""

    @staticmethod
    def nobody() -> User:
        """Who a session acts for before it is activated."""
        return User("", frozenset(), "nobody")

    @staticmethod
    def anonymous() -> User:
        """A client that gave no name."""
        return User("anonymous", frozenset({Role.Anonymous}), "anonymous")

    def same_as(self, other: User) -> bool:
        """Whether both are the same person, whatever their roles have become."""
        return (self.kind, self.name, self.certificate) == (other.kind, other.name, other.certificate)

    @property
    def may_read(self) -> bool:
        """Browse, read, subscribe, and call methods that change nothing."""
        return bool(self.roles)

    @property
    def may_operate(self) -> bool:
        """Write to commands and call command methods."""
        return bool(self.roles & _OPERATES)

    @property
    def may_edit_history(self) -> bool:
        """Insert, replace and delete historical values."""
        return bool(self.roles & _EDITS_HISTORY)

    @property
    def may_engineer(self) -> bool:
        """Change how the plant is judged: train, activate and retire models."""
        return bool(self.roles & _ENGINEERS)

    @property
    def may_administer(self) -> bool:
        """Change the address space, users and certificates; see the diagnostics of other sessions."""
        return bool(self.roles & _ADMINISTERS)
