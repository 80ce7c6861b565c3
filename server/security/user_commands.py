"""`uatwin users`: changes a users file and says what happened; returns the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from server.security.users import UsersError, add_user, list_users, remove_user

WRONG_INPUT = 2


def add(file: Path, name: str, password: str, roles: list[str]) -> int:
    """Add an account or change it."""
    try:
        account = add_user(file, name, password, roles)
    except UsersError as error:
        return _say(error)
    print(f"{file}: {name} may log in as {', '.join(sorted(account.roles))}")
    return 0


def remove(file: Path, name: str) -> int:
    """Remove an account."""
    try:
        remove_user(file, name)
    except UsersError as error:
        return _say(error)
    print(f"{file}: {name} may not log in any more")
    return 0


def show(file: Path) -> int:
    """List the accounts."""
    try:
        accounts = list_users(file)
    except UsersError as error:
        return _say(error)
    for account in accounts:
        print(f"{account.name}: {', '.join(sorted(account.roles))}")
    return 0


def _say(error: UsersError) -> int:
    print(error, file=sys.stderr)
    return WRONG_INPUT
