"""The users file: names, argon2 hashes of passwords, roles; and checking a password without telling more than yes.

users:
  operator:
    roles: [Operator]
    password: $argon2id$v=19$...
  maintenance-laptop:
    roles: [Engineer]
    certificate: 3f2a...   # SHA-1 thumbprint of an X.509 user certificate
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from server.security.roles import ASSIGNABLE, Role, User

_HASH: Final = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))
_CHECKS_AT_ONCE: Final = 2
_LONGEST_PASSWORD: Final = 1_024


class UsersError(ValueError):
    """A users file or a change of it that cannot be taken; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Account:
    """One entry of the users file. Either may be empty: password hash, certificate thumbprint."""

    name: str
    roles: frozenset[Role]
    password_hash: str = ""
    certificate: str = ""

    def user(self, kind: str) -> User:
        """The user a session acts for after a login of this kind."""
        return User(self.name, self.roles | {Role.AuthenticatedUser}, kind, self.certificate)


class Users:
    """The accounts of a users file, read again whenever the file has changed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}
        self._nobody = ""
        self._slots = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._refresh()

    def names(self) -> list[str]:
        """All account names."""
        self._refresh()
        return sorted(self._accounts)

    async def check_password(self, name: str, password: str) -> User | None:
        """The user, or None. Takes as long for an unknown name as for a wrong password; runs in a thread."""
        async with self._slots:
            return await asyncio.to_thread(self._check, name, password)

    def by_certificate(self, thumbprint: str) -> User | None:
        """The user with this certificate (SHA-1, hexadecimal)."""
        self._refresh()
        wanted = thumbprint.lower()
        found = [account for account in self._accounts.values() if account.certificate == wanted]
        return found[0].user("certificate") if found else None

    def _check(self, name: str, password: str) -> User | None:
        self._refresh()
        account = self._accounts.get(name)
        known = account is not None and bool(account.password_hash)
        if not self._nobody:
            self._nobody = _HASH.hash(os.urandom(16).hex())
        stored = account.password_hash if account is not None and known else self._nobody
        matches = _verify(password, stored)
        return account.user("username") if account is not None and known and matches else None

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._accounts, self._stamp = {}, None
            return
        stamp = (stat.st_mtime_ns, stat.st_size)
        if stamp != self._stamp:
            self._accounts = load(self._path)
            self._stamp = stamp


def load(path: Path) -> dict[str, Account]:
    """The accounts of a users file by name; none when there is no file. Raises UsersError."""
    try:
        data = yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        raise UsersError(f"{path}: not valid YAML: {error}") from error
    entries = data.get("users", {}) if isinstance(data, dict) else None
    if not isinstance(entries, dict):
        raise UsersError(f"{path}: expected a mapping `users:` of names to accounts")
    return {str(name): _account(path, str(name), entry) for name, entry in entries.items()}


def save(path: Path, accounts: dict[str, Account]) -> None:
    """Write a users file that only its owner can read, all or nothing."""
    entries = {
        account.name: {
            "roles": sorted(role.value for role in account.roles),
            **({"password": account.password_hash} if account.password_hash else {}),
            **({"certificate": account.certificate} if account.certificate else {}),
        }
        for account in accounts.values()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yaml.safe_dump({"users": entries}, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def add_user(path: Path, name: str, password: str, roles: list[str], certificate: str = "") -> Account:
    """Add an account or replace its password, roles and certificate. Raises UsersError."""
    if not name or not (password or certificate):
        raise UsersError("a user needs a name, and a password or a certificate")
    if len(password) > _LONGEST_PASSWORD:
        raise UsersError(f"the password is longer than {_LONGEST_PASSWORD} characters")
    account = Account(name, _roles(f"user {name}", roles), "", certificate.lower().replace(":", ""))
    if password:
        account = replace(account, password_hash=_HASH.hash(password))
    accounts = load(path)
    accounts[name] = account
    save(path, accounts)
    return account


def remove_user(path: Path, name: str) -> None:
    """Remove an account. Raises UsersError when there is none of that name."""
    accounts = load(path)
    if name not in accounts:
        raise UsersError(f"{path}: no user {name!r}; there are: {', '.join(sorted(accounts)) or 'none'}")
    del accounts[name]
    save(path, accounts)


def list_users(path: Path) -> list[Account]:
    """All accounts, by name."""
    return sorted(load(path).values(), key=lambda account: account.name)


def _verify(password: str, stored: str) -> bool:
    if len(password) > _LONGEST_PASSWORD:
        return False
    try:
        return _HASH.verify(password, stored)
    except UnknownHashError:
        return False


def _account(path: Path, name: str, entry: object) -> Account:
    if not isinstance(entry, dict):
        raise UsersError(f"{path}: user {name}: expected a mapping with `roles` and `password` or `certificate`")
    unknown = set(entry) - {"roles", "password", "certificate"}
    if unknown:
        raise UsersError(f"{path}: user {name}: unknown keys {', '.join(sorted(map(str, unknown)))}")
    roles = entry.get("roles", [])
    if not isinstance(roles, list):
        raise UsersError(f"{path}: user {name}: `roles` must be a list of role names")
    certificate = str(entry.get("certificate", "")).lower().replace(":", "")
    return Account(name, _roles(f"{path}: user {name}", roles), str(entry.get("password", "")), certificate)


def _roles(where: str, names: list[str]) -> frozenset[Role]:
    wrong = [str(name) for name in names if name not in ASSIGNABLE]
    if wrong:
        raise UsersError(f"{where}: unknown role {wrong[0]!r}; there are {', '.join(ASSIGNABLE)}")
    return frozenset(Role(name) for name in names)
