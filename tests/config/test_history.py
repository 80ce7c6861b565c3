"""The section `history`: which tags are kept, where, and how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config.history import HistorySettings
from server.config.load import load_plant

PLANT = """
plant: {{name: P}}
connections: {{line1: {{driver: modbus, host: 10.0.0.1}}}}
{section}
twins:
  A:
    scope: asset
    connection: line1
    telemetry:
      Temperature: {{type: Float, point: {{address: 0}}{temperature}}}
      Pressure: {{type: Float, point: {{address: 2}}}}
    commands:
      Target: {{type: Float, point: {{address: 4}}{target}}}
      "On": {{type: Boolean, point: {{table: coil, address: 0}}}}
      Recipe: {{type: UInt16, array_length: 4, point: {{address: 10}}}}
    components:
      Motor:
        telemetry:
          Load: {{type: Float, point: {{address: 6}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def settings(folder: Path, section: str = "", temperature: str = "", target: str = "") -> HistorySettings | None:
    file = folder / "plant.yaml"
    file.write_text(PLANT.format(section=section, temperature=temperature, target=target))
    found: HistorySettings | None = load_plant(file).sections["history"]
    return found


def test_without_the_section_nothing_is_kept(folder: Path) -> None:
    assert settings(folder) is None


def test_an_empty_section_keeps_all_telemetry_and_numeric_commands_within_ten_gigabytes(folder: Path) -> None:
    for section in ("history:", "history: {}"):
        found = settings(folder, section)
        assert found is not None
        assert found.paths == {"A/Temperature", "A/Pressure", "A/Motor/Load", "A/Target", "A/On"}
        assert (found.path, found.postgres, found.age_s, found.size_bytes) == (None, None, 0.0, 10_000_000_000)


def test_patterns_choose_and_what_a_tag_says_itself_is_stronger(folder: Path) -> None:
    found = settings(folder, "history: {tags: [A/*], except: [A/P*, A/On]}")
    assert found is not None
    assert found.paths == {"A/Temperature", "A/Target"}
    found = settings(folder, "history: {tags: ['**', A/BadTags]}", ", history: false", ", history: false")
    assert found is not None
    assert found.paths == {"A/Pressure", "A/Motor/Load", "A/BadTags", "A/On"}


def test_commands_that_are_no_single_number_are_kept_where_that_is_said(folder: Path) -> None:
    found = settings(folder, "history: {tags: [A/Recipe, A/Motor/*]}")
    assert found is not None
    assert found.paths == {"A/Recipe", "A/Motor/Load"}


def test_a_tag_can_be_kept_without_the_section(folder: Path) -> None:
    found = settings(folder, temperature=", history: true")
    assert found is not None
    assert found.paths == {"A/Temperature"}


def test_paths_and_secrets_are_found_from_where_the_section_stands(folder: Path) -> None:
    found = settings(folder, "history: {path: values/h.sqlite, retention: {days: 1.5, gigabytes: null}}")
    assert found is not None
    assert (found.path, found.age_s, found.size_bytes) == (folder / "values" / "h.sqlite", 1.5 * 86_400, 0)
    found = settings(folder, "history: {postgres: {host: db, password: {file: secret}, ca: ca.pem}}")
    assert found is not None
    assert found.postgres is not None
    assert found.postgres.password is not None
    assert (found.postgres.password.file, found.postgres.ca) == (folder / "secret", folder / "ca.pem")
