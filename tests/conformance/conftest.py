"""The served plant of the service tests."""

from __future__ import annotations

from tests.services.conftest import served

__all__ = ["served"]
