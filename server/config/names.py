"""What may be the name of a twin, tag, command, method or connection."""

from __future__ import annotations

from functools import lru_cache


def absolute(base: str, text: str) -> str | None:
    """The path that a text means, seen from the twin with the path `base`; None when it leads above the roots."""
    names = [] if text.startswith("/") or not base else base.split("/")
    for name in text.split("/"):
        if name == "..":
            if not names:
                return None
            names.pop()
        elif name not in ("", "."):
            names.append(name)
    return "/".join(names)


@lru_cache(maxsize=4096)
def name_problem(name: str) -> str:
    """Why a name cannot be used, "" when it can. Names become parts of NodeIds, where / and . have a meaning."""
    if not name.strip():
        return "a name is empty; give one"
    for mark in "/.":
        if mark in name:
            return f"the name {name} contains {mark}, which separates names in NodeIds; use _ or - instead"
    if name != name.strip():
        return f'the name "{name}" begins or ends with a space; remove it'
    if not name.isprintable():
        return f"the name {name!r} contains a control character; remove it"
    if len(name) > 200:
        return f"the name {name[:30]}... is longer than 200 characters; shorten it"
    return ""
