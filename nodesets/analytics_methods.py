"""The methods under Analytics of a twin, as data: what the server's catalog says of them, without knowing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

METHODS: Final = Path(__file__).with_name("analytics_methods.json")
"""Written by `python -m server.address_space.declare_methods`."""


def read() -> list[dict[str, Any]]:
    """A method each: id, name, description, inputs and outputs (name, data_type, description, rank)."""
    methods: list[dict[str, Any]] = json.loads(METHODS.read_text("utf-8"))
    return methods
