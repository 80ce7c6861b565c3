"""Who may call which analytics function."""

from __future__ import annotations

from analytics.function import Access
from server.analysis.jobs import JobRecord
from server.security.roles import User


def may_call(user: User, access: Access) -> bool:
    """Whether this user may call what asks for that much."""
    if access is Access.engineer:
        return user.may_engineer
    return user.may_operate if access is Access.operate else user.may_read


def may_cancel(user: User, session: str, job: JobRecord) -> bool:
    """Whoever started a job, from the same session where he gave no name, and every operator."""
    mine = job.caller.session == session or (user.kind != "anonymous" and user.same_as(job.caller.user))
    return mine or user.may_operate
