"""The message of a rule: what it leaves open until there is an alarm."""

from __future__ import annotations

import re
from typing import Final

from server.config.yaml_source import Map

_FILLED_IN: Final = re.compile(r"(?<!\{)\{(value|limit|unit)\}(?!\})")
"""What the message of a rule leaves open until there is an alarm."""


def with_message(rule: Map, parameters: frozenset[str]) -> Map:
    """A rule in whose message {value}, {limit} and {unit} are text, where they are no parameters."""
    message = rule.get("message")
    if not isinstance(message, str):
        return rule
    copy = rule.without(frozenset({"message"}))
    text = _FILLED_IN.sub(lambda found: found[0] if found[1] in parameters else f"{{{found[0]}}}", message)
    copy.put("message", text, rule.key_at["message"], rule.value_at["message"])
    return copy
