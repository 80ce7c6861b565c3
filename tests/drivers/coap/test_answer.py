"""How fresh an answer is, and which of two notifications is the newer (RFC 7641, 3.4)."""

from __future__ import annotations

import pytest

from drivers.coap.answer import fresh_s, is_newer


@pytest.mark.parametrize(
    ("max_age", "limit_s", "expected_s"),
    [(5, 60.0, 7.0), (None, 300.0, 62.0), (None, 10.0, 12.0), (3600, 60.0, 62.0), (0, 60.0, 62.0)],
)
def test_silence_is_trusted_for_max_age_up_to_the_limit_and_the_grace(
    max_age: int | None, limit_s: float, expected_s: float
) -> None:
    assert fresh_s(max_age, limit_s, 2.0) == expected_s


@pytest.mark.parametrize(
    ("last", "sequence", "later_s", "newer"),
    [
        (1, 2, 0.1, True),
        (2, 1, 0.1, False),
        (2, 2, 0.1, False),
        (2**24 - 1, 0, 0.1, True),
        (0, 2**24 - 1, 0.1, False),
        (5, 1, 127.0, False),
        (5, 1, 129.0, True),
    ],
)
def test_a_notification_overtaken_by_a_newer_one_is_old(last: int, sequence: int, later_s: float, newer: bool) -> None:
    assert is_newer(last, 1000.0, sequence, 1000.0 + later_s) is newer
