"""Whatever is wrong with an input is told; nothing makes the import fall over."""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.interchange.columns import read_tag_list
from server.interchange.settling import NotPossible, settle
from server.interchange.tag_lists import ListOptions, read_drafts
from server.interchange.things import NoThing, read_thing, read_thing_drafts

CASES = Path(__file__).parents[1] / "testcases" / "import"
THINGS = [
    json.loads(path.read_text())
    for path in sorted(CASES.glob("*_thing/thing.td.json"))
    if path.parent.name != "no_thing"
]
LISTS = [path.read_text() for path in sorted(CASES.glob("*_modbus/tags.csv"))]
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.just([]), st.just({}),
    st.just([1, "a", None]), st.just({"a": 1, "type": "x"}),
    st.sampled_from(["{", "mqtt://", "coap://h:99999/", "xsd:foo"]),
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in _places(item, (*path, key)))]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_thing_with_anything_anywhere_is_imported_or_told(data: st.DataObject) -> None:
    thing = copy.deepcopy(data.draw(st.sampled_from(THINGS)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(thing)[1:]))
        holder = thing
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = copy.deepcopy(data.draw(JUNK))
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(NoThing, NotPossible):
        path = Path(folder) / "thing.td.json"
        path.write_text(json.dumps(thing), "utf-8")
        draft, findings = read_thing_drafts(read_thing(path))
        settle(draft, findings, ())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_list_with_anything_in_any_cell_is_imported_or_told(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(LISTS))
    mark = ";" if text.count(";") > text.count(",") else ","
    rows = list(csv.reader(text.splitlines(), delimiter=mark))
    header = next(index for index, row in enumerate(rows) if len(row) > 5)
    for _ in range(data.draw(st.integers(1, 5))):
        row = rows[data.draw(st.integers(header + 1, len(rows) - 1))]
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(
            st.one_of(
                st.text(max_size=12), st.sampled_from(["1e999", "-1", "[]", "0x10", "{", "Linear", "R/W", "Double"])
            )
        )
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows(rows)
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(NotPossible):
        path = Path(folder) / "tags.csv"
        path.write_text(out.getvalue(), "utf-8", newline="")
        draft, findings = read_drafts(
            read_tag_list(path), ListOptions("device", {"driver": "modbus", "host": "h"}, "T")
        )
        tags = len(draft.tags)
        _, told = settle(draft, findings, ())
        assert len(draft.tags) + sum(finding.skipped for finding in told) >= tags
