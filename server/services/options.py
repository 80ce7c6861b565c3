"""What a server can be told before it starts: its names, its endpoints, its security and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

POLICY_NONE: Final = "None"
MODERN_POLICIES: Final = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server holds or takes at most. Sizes in bytes, durations in seconds.

    Those with a node of their own (Server.ServerCapabilities) are published there and enforced.
    """

    max_connections: int = 1_000
    max_sessions: int = 500
    min_session_timeout_s: float = 1.0
    max_session_timeout_s: float = 3_600.0
    min_token_lifetime_s: float = 1.0
    max_token_lifetime_s: float = 3_600.0
    hello_timeout_s: float = 10.0
    """From the connection to an open secure channel."""
    idle_channel_timeout_s: float = 60.0
    """How long a secure channel may stay without a session."""
    stalled_timeout_s: float = 30.0
    """How long a client may leave its answers unread once the write buffer has filled up."""
    max_write_buffer: int = 64 * 2**20
    chunk_size: int = 65_536
    max_message_size: int = 16 * 2**20
    max_chunk_count: int = 4_096
    max_parallel_requests: int = 100
    """Per session: requests that run as tasks of their own (Call, commands, HistoryRead)."""
    max_nodes_per_read: int = 10_000
    max_nodes_per_write: int = 10_000
    max_nodes_per_method_call: int = 1_000
    max_nodes_per_browse: int = 10_000
    max_nodes_per_register: int = 50_000
    max_nodes_per_translate: int = 10_000
    max_nodes_per_history_read: int = 1_000
    max_nodes_per_history_update: int = 1_000
    max_history_values: int = 100_000
    """Values of one node in one answer; the rest is had by a continuation point."""
    max_history_events: int = 10_000
    max_history_continuation_points: int = 1_000
    """Per session."""
    max_nodes_per_node_management: int = 1_000
    max_monitored_items_per_call: int = 50_000
    max_references_per_node: int = 10_000
    max_browse_continuation_points: int = 50
    max_array_length: int = 1_000_000
    max_string_length: int = 4 * 2**20
    max_subscriptions: int = 1_000
    max_subscriptions_per_session: int = 100
    max_monitored_items: int = 1_000_000
    max_monitored_items_per_subscription: int = 200_000
    max_monitored_item_queue: int = 1_000
    """Values or events."""
    max_filter_clauses: int = 200
    """Select clauses, and elements of the where clause, of an EventFilter."""
    min_sampling_interval_s: float = 0.01


@dataclass(frozen=True, slots=True)
class UaServerOptions:
    """endpoint_url: host and port to listen on, port 0 for a free one; host 0.0.0.0 or empty for all addresses.

    pki_dir: laid out as `server.security.pki` says; created with an own certificate when missing. data_dir: what
    outlives a restart, each part in a folder of its own (`models`, `history`, ...); None: beside pki_dir.
    users_file: see `server.security.users`; without one nobody can log in by name. policies: of POLICY_NONE and
    MODERN_POLICIES.
    event_history_s, max_past_events: for how long events are kept, and how many of them at most.
    nat_host: host name or address given to clients in endpoint URLs instead of the address they connected to.
    """

    pki_dir: Path
    endpoint_url: str = "opc.tcp://127.0.0.1:4840/uatwin"
    application_uri: str = ""
    """Default: urn:<host name>:uatwin."""
    application_name: str = "uatwin"
    product_uri: str = "urn:uatwin"
    manufacturer_name: str = "uatwin"
    software_version: str = "0.1.0"
    users_file: Path | None = None
    allow_anonymous: bool = True
    policies: tuple[str, ...] = (POLICY_NONE, *MODERN_POLICIES)
    trust_all_certificates: bool = False
    """Accept certificates that nobody trusted; only for a demo on loopback."""
    node_management: bool = False
    nat_host: str | None = None
    limits: Limits = field(default_factory=Limits)
    event_history_s: float = 90 * 86_400.0
    max_past_events: int = 1_000_000
    data_dir: Path | None = None

    @property
    def data(self) -> Path:
        """The folder of all that outlives a restart."""
        return self.data_dir or self.pki_dir.with_name(f"{self.pki_dir.name}-data")
