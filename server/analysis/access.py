"""Who may call which analytics function."""

from __future__ import annotations

from analytics.function import Access, Function
from server.analysis.jobs import JobRecord
from server.security.roles import Role, User

_ENGINEERS = frozenset({Role.Engineer, Role.ConfigureAdmin})


def may_call(user: User, function: Function) -> bool:
    """Reading functions are for all who may read, labels for operators too, models for engineers."""
    if function.access is Access.engineer:
        return bool(user.roles & _ENGINEERS)
    return user.may_operate if function.access is Access.operate else user.may_read


def may_cancel(user: User, session: str, job: JobRecord) -> bool:
    """Whoever started a job, from the same session where he gave no name, and every operator."""
    mine = job.caller.session == session or (user.kind != "anonymous" and user.same_as(job.caller.user))
    return mine or user.may_operate
