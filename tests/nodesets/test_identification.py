from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nodesets.identification import identification_value


def test_values_get_the_type_of_their_property():
    assert identification_value("YearOfConstruction", "2021") == 2021
    assert identification_value("Manufacturer", "Acme") == "Acme"
    assert identification_value("InitialOperationDate", "2021-03-04") == datetime(2021, 3, 4, tzinfo=UTC)
    moved = identification_value("InitialOperationDate", "2021-03-04T08:00:00+02:00")
    assert moved == datetime(2021, 3, 4, 6, tzinfo=UTC)


def test_names_beyond_the_standard_are_text():
    assert identification_value("HallNumber", "12") == "12"


@pytest.mark.parametrize(
    ("name", "text", "cure"),
    [
        ("YearOfConstruction", "20x1", "whole number from 0 to 65535"),
        ("YearOfConstruction", "-5", "whole number from 0 to 65535"),
        ("MonthOfConstruction", "300", "whole number from 0 to 255"),
        ("InitialOperationDate", "4.3.2021", "date like 2024-05-31"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_would_be_right(name: str, text: str, cure: str):
    with pytest.raises(ValueError, match=cure) as caught:
        identification_value(name, text)
    assert name in str(caught.value)
    assert repr(text) in str(caught.value)
