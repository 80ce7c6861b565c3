"""Twins that stand beside the plant and come and go while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.config.plant import Tag, Twin


@dataclass(frozen=True, slots=True)
class Graft:
    """An object in a folder of `Plant.services`, the tags that tell about it, and the twins below it. path: of the
    object; all else begins with it. The rows are those of `Plant.tags`."""

    path: str
    tags: tuple[Tag, ...]
    twins: tuple[Twin, ...]

    def walk(self) -> Iterator[Twin]:
        """All its twins, parents first."""
        for twin in self.twins:
            yield from twin.walk()

    def every_tag(self) -> Iterator[Tag]:
        """Its own tags and those of its twins."""
        yield from self.tags
        for twin in self.walk():
            yield from (*twin.telemetry, *twin.commands, *twin.diagnostics, *twin.analytics)
