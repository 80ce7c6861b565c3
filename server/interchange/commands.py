"""`uatwin import` and `uatwin export`: files in, files out, and every finding told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from server.config.errors import PlantFileError, did_you_mean
from server.config.load import load_plant
from server.interchange.columns import NoTagList, read_tag_list
from server.interchange.drafts import Finding, PlantDraft
from server.interchange.points import READERS
from server.interchange.settling import NotPossible, settle
from server.interchange.tag_list_export import export_tags
from server.interchange.tag_lists import ListOptions, read_drafts
from server.interchange.things import NoThing, read_thing, read_thing_drafts

WRONG_INPUT: Final = 2


def import_csv(file: Path, options: ListOptions, out: Path | None, force: bool) -> int:
    """Make a plant file of a tag list; returns the exit code: 0 everything is in it, 2 something is not."""
    driver = str(options.settings["driver"])
    if driver not in READERS:
        return _refuse(f"there is no driver {driver}{did_you_mean(driver, READERS)}")
    try:
        draft, findings = read_drafts(read_tag_list(file), options)
    except NoTagList as error:
        return _refuse(f"{file}: {error}")
    return finish(file, draft, findings, out, force, "csv")


def export_csv(plant_file: Path, connection: str | None, out: Path | None, force: bool) -> int:
    """Write the tags of a connection as a tag list; returns the exit code."""
    try:
        plant = load_plant(plant_file)
    except PlantFileError as error:
        return _refuse(str(error))
    names = list(plant.connections)
    if connection is None and len(names) != 1:
        return _refuse(f"{plant_file} has several connections: {', '.join(names)}; choose one by --connection")
    chosen = connection or names[0]
    if chosen not in names:
        return _refuse(f"there is no connection {chosen}{did_you_mean(chosen, names)}")
    if plant.connections[chosen].driver not in READERS:
        return _refuse(f"tags of the driver {plant.connections[chosen].driver} have no place in a tag list")
    text, unsaid = export_tags(plant.connections[chosen])
    for line in unsaid:
        print(line, file=sys.stderr)
    return _write(text, out, force)


def import_td(file: Path, out: Path | None, force: bool) -> int:
    """Make a plant file of a Thing Description; returns the exit code as `import_csv` does."""
    try:
        draft, findings = read_thing_drafts(read_thing(file))
    except NoThing as error:
        return _refuse("\n".join(_located(file, line) for line in str(error).splitlines()))
    return finish(file, draft, findings, out, force, "td")


def finish(file: Path, draft: PlantDraft, findings: Sequence[Finding], out: Path | None, force: bool, how: str) -> int:
    """Write the plant file of a draft and tell the findings; returns the exit code."""
    before = len(draft.tags)
    head = [
        f"Made from {file.name} by `uatwin import {how}`.",
        "Check it: uatwin check PLANT.yaml. See what the devices say: uatwin probe PLANT.yaml",
    ]
    try:
        text, told = settle(draft, findings, head)
    except NotPossible as error:
        return _refuse("\n".join(_located(file, line) for line in str(error).splitlines()))
    for finding in told:
        print(_line(file, finding), file=sys.stderr)
    skipped = sum(finding.skipped for finding in told)
    all_of_them = len(draft.tags) + skipped
    print(f"{len(draft.tags)} of {max(all_of_them, before)} tags imported", file=sys.stderr)
    return _write(text, out, force) or (WRONG_INPUT if skipped else 0)


def _located(file: Path, line: str) -> str:
    """A message that begins with its place, a line or a JSON pointer, or has none."""
    return f"{file}{'' if line.startswith('#') else ':' if line[:1].isdigit() else ': '}{line}"


def _line(file: Path, finding: Finding) -> str:
    where = f"{file}{finding.where}" if finding.where.startswith("#") else f"{file}:{finding.where}"
    return f"{where if finding.where else file}: {finding.message}{'; not imported' if finding.skipped else ''}"


def _write(text: str, out: Path | None, force: bool) -> int:
    if out is None:
        print(text, end="")
        return 0
    try:
        with out.open("w" if force else "x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        return _refuse(f"{out} exists already; choose another, or write over it with --force")
    except OSError as error:
        return _refuse(f"{out} cannot be written ({error.strerror})")
    return 0


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return WRONG_INPUT
