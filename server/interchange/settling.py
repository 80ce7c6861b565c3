"""Brings a draft to a plant file that passes `uatwin check`: what does not is left out and told."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from server.config.errors import PlantError, PlantFileError
from server.config.load import load_plant
from server.interchange.drafts import Finding, PlantDraft, TagDraft
from server.interchange.writing import Written, write_plant

_TWINS: Final = re.compile(r" \(in (\d+ twins, the first is )?[^()]*\)$")


class NotPossible(Exception):
    """No plant file can be made; the message says why."""


def settle(draft: PlantDraft, findings: Sequence[Finding], head: Sequence[str]) -> tuple[str, list[Finding]]:
    """The text of the plant file and all findings. Tags that its check refuses are taken out of the draft, one finding
    each. Raises NotPossible where nothing is left, or the fault is not that of a tag."""
    found = [*findings, *_twice(draft)]
    while draft.tags:
        refused = _refused(write_plant(draft))
        if not refused:
            found.sort(key=Finding.place)
            skipped = [finding for finding in found if finding.skipped]
            return write_plant(draft, head, _left_out(skipped)).text, found
        found += [Finding(tag.where, message) for tag, message in refused.items()]
        draft.tags = [tag for tag in draft.tags if tag not in refused]
    raise NotPossible("\n".join([*(_line(finding) for finding in found), "there is no tag that can be imported"]))


def _twice(draft: PlantDraft) -> list[Finding]:
    """Takes tags whose place is taken by an earlier one out of the draft."""
    first: dict[tuple[tuple[str, ...], str], TagDraft] = {}
    findings = []
    for tag in draft.tags:
        taken = first.setdefault((tag.twin, tag.name), tag)
        if taken is not tag:
            place = f"line {taken.where}" if taken.where.isdigit() else taken.where
            findings.append(Finding(tag.where, f"the name {tag.name} is taken by {place} already; rename one"))
    draft.tags = list(first.values())
    return findings


def _refused(written: Written) -> dict[TagDraft, str]:
    """What the check says of each tag; the first thing where there are several."""
    with tempfile.TemporaryDirectory(prefix="uatwin-import-") as folder:
        path = Path(folder) / "plant.yaml"
        path.write_text(written.text, "utf-8")
        try:
            load_plant(path)
        except PlantFileError as error:
            return _by_tag(written, error.errors)
    return {}


def _by_tag(written: Written, errors: Sequence[PlantError]) -> dict[TagDraft, str]:
    refused: dict[TagDraft, str] = {}
    for error in errors:
        tags = written.tags.get(error.line, ())
        if not tags:
            raise NotPossible(f"{written.lines[error.line - 1].strip()}: {error.message}")
        for tag in tags:
            refused.setdefault(tag, _TWINS.sub("", error.message))
    return refused


def _left_out(skipped: Sequence[Finding]) -> list[str]:
    return ["Not imported:", *(f"  {_line(finding)}" for finding in skipped)] if skipped else []


def _line(finding: Finding) -> str:
    return f"{finding.where}: {finding.message}" if finding.where else finding.message
