"""Work for a Dask cluster: how it is reached, and what goes wrong when it is not.

Dask's schedulers and workers run whatever their peers send them: who may reach them may run programs there. What an OPC
UA client says reaches them as numbers and names only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from analytics.errors import NotAvailable

_CONNECT_S: Final = 3.0
_WORKERS_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """scheduler: "tls://host:8786", or "tcp://..." on this computer. The files, PEM, are those of a certificate that
    the cluster trusts and of the authority that it is trusted by; "" without TLS."""

    scheduler: str
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


class ClusterAway(NotAvailable):
    """The cluster cannot do it; the message says why. The work can be done here."""


@contextmanager
def connected(cluster: Cluster) -> Iterator[Any]:
    """A `distributed.Client` of it. Raises ClusterAway, also for what the body does with a cluster that goes away."""
    dask = _dask()
    try:
        security = _security(dask, cluster)
        client = dask.Client(cluster.scheduler, timeout=_CONNECT_S, security=security, set_as_default=False)
    except (OSError, ValueError) as error:  # ValueError: a certificate file that is none
        raise ClusterAway(f"the Dask scheduler {cluster.scheduler} does not answer: {_first_line(error)}") from error
    try:
        client.wait_for_workers(1, timeout=_WORKERS_S)
        yield client
    except TimeoutError as error:
        raise ClusterAway(f"the Dask scheduler {cluster.scheduler} has no workers") from error
    except (OSError, dask.KilledWorker, dask.client.FutureCancelledError) as error:
        raise ClusterAway(f"the Dask cluster of {cluster.scheduler} went away: {_first_line(error)}") from error
    finally:
        client.close(timeout=_CONNECT_S)


def _dask() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise ClusterAway('Dask is not installed; pip install "uatwin[fleet]"') from error


def _security(dask: Any, cluster: Cluster) -> Any:
    if not cluster.ca_file:
        return None
    return dask.Security(
        require_encryption=True,
        tls_ca_file=cluster.ca_file,
        tls_client_cert=cluster.cert_file,
        tls_client_key=cluster.key_file,
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
