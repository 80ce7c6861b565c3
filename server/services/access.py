"""What a user may do with a node: the User... attributes, and the AccessLevel bits behind them (Part 3, 8.57)."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from analytics.function import Access
from server.analysis.access import may_call
from server.security.roles import User

CURRENT_READ: Final = 1 << ua.AccessLevel.CurrentRead
CURRENT_WRITE: Final = 1 << ua.AccessLevel.CurrentWrite
HISTORY_READ: Final = 1 << ua.AccessLevel.HistoryRead
HISTORY_WRITE: Final = 1 << ua.AccessLevel.HistoryWrite
_WRITING: Final = sum(
    1 << bit for bit in (ua.AccessLevel.CurrentWrite, ua.AccessLevel.StatusWrite, ua.AccessLevel.TimestampWrite)
)


def user_access_level(user: User, access_level: int) -> int:
    """The AccessLevel bits this user has of those the variable has."""
    if not user.may_read:
        return 0
    if not user.may_operate:
        access_level &= ~_WRITING
    return access_level if user.may_edit_history else access_level & ~HISTORY_WRITE


def user_executable(user: User, executable: bool, access: Access) -> bool:
    """Whether this user may call the method."""
    return executable and may_call(user, access)
