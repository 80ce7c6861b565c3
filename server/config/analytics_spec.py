"""What the section `analytics` may hold."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, cast

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from server.config.checking import Loc
from server.config.spec import Spec

_ADDRESS: Final = re.compile(r"(tls|tcp)://(\[[0-9A-Fa-f:.]+\]|[^/:\s\[\]]+):(\d{1,5})")
FILES: Final = ("ca_file", "cert_file", "key_file")


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if not match or not 0 < int(match[3]) <= 65535:
        raise PydanticCustomError("scheduler", "is no address of a Dask scheduler; like tls://trainer:8786", {})
    return text


File = Annotated[Path, Strict(False)]


class AnalyticsSettings(Spec):
    """Section `analytics`: a Dask cluster for models of many machines and for the dear features."""

    scheduler: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None,
        description="Scheduler of a Dask cluster, tls://host:8786; tcp:// on this computer only. Default: all is "
        "computed here.",
    )
    ca_file: File | None = Field(
        default=None, description="Authority of the cluster's certificates (PEM), relative to the plant file."
    )
    cert_file: File | None = Field(default=None, description="Certificate of the bridge for the cluster (PEM).")
    key_file: File | None = Field(default=None, description="Its key (PEM).")


def analytics_rules(spec: AnalyticsSettings) -> Iterator[tuple[Loc, str]]:
    """Where the section contradicts itself."""
    given = [name for name in FILES if getattr(spec, name) is not None]
    if spec.scheduler is None:
        yield from (((name,), f"{name} is of no use without scheduler") for name in given)
        return
    kind, host, _ = cast(re.Match[str], _ADDRESS.fullmatch(spec.scheduler)).groups()
    if kind == "tls":
        missing = [name for name in FILES if name not in given]
        if missing:
            yield ("scheduler",), f"tls:// needs {' and '.join(missing)} too"
        return
    yield from (((name,), f"{name} belongs to a scheduler with tls://") for name in given)
    if not _is_here(host.strip("[]")):
        yield (
            ("scheduler",),
            "Dask runs whatever reaches it, so over a network it must be tls:// with ca_file, cert_file and key_file; "
            "tcp:// is for 127.0.0.1 only",
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
