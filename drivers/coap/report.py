"""What a CoAP device will be asked, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.coap.resources import observed, polled
from drivers.coap.settings import CoapConnection
from drivers.driver import Binding, PlannedRequest, PlanReport


def report(connection: CoapConnection, bindings: Sequence[Binding]) -> PlanReport:
    """One line per fetched resource and rate, and one per observed resource with the period in which it is expected to
    notify. requests_per_s counts what uatwin asks; bytes_per_s both ways, with UDP and IP, supposing 16 bytes of
    payload per tag."""
    fetched, watched = polled(bindings), observed(bindings)
    lines = [
        PlannedRequest(f"{verb} {resource.address}", resource.rate_s, len(resource.bindings), resource.wire_bytes)
        for verb, resources in (("GET", fetched), ("Observe", watched))
        for resource in resources
    ]
    return PlanReport(
        requests=lines,
        requests_per_s=sum(1 / resource.rate_s for resource in fetched),
        bytes_per_s=sum(line.bytes_on_wire / line.rate_s for line in lines),
        load=None,
        pushed_tags=sum(len(resource.bindings) for resource in watched),
    )
