"""What the section `history` may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field, Strict

from drivers.secret import Secret
from drivers.tls import File
from server.config.checking import Loc
from server.config.spec import Spec

Pattern = Annotated[str, Field(min_length=1)]
Patterns = Annotated[tuple[Pattern, ...], Strict(False)]
MOST_GIGABYTES: Final = 10.0


class PostgresSpec(Spec):
    """A PostgreSQL database; where its extension TimescaleDB is installed, it is used."""

    host: str = Field(default="localhost", min_length=1, description="Host name, address, or folder of a Unix socket.")
    port: int = Field(default=5432, ge=1, le=65535, description="TCP port.")
    schema_: str = Field(
        default="uatwin",
        alias="schema",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$",
        description="Schema of the tables, made where it is missing; one for each plant.",
    )
    database: str = Field(default="uatwin", min_length=1, description="Name of the database; it must be there.")
    user: str = Field(default="uatwin", min_length=1, description="Role that owns, or may make, the tables.")
    password: Secret | None = Field(default=None, description="Where its password is, if it needs one.")
    tls: Literal["verify", "require", "off"] = Field(
        default="verify", description="verify: with a certificate that is checked; a Unix socket needs none."
    )
    ca: File | None = Field(default=None, description="Certificates to trust instead of those of the computer (PEM).")


class RetentionSpec(Spec):
    """How much is kept; the oldest is forgotten while new values are written."""

    days: float | None = Field(default=None, gt=0, le=100_000, description="Forget values older than that.")
    gigabytes: float | None = Field(
        default=MOST_GIGABYTES,
        ge=0.05,
        le=1_000_000,
        allow_inf_nan=False,
        description="Forget the oldest values when the history becomes larger; null: no bound.",
    )


class HistorySpec(Spec):
    """Section `history`: keeps the values of tags."""

    path: File | None = Field(
        default=None,
        description="File of the embedded store, relative to the plant file. Default: in the user's data folder.",
    )
    postgres: PostgresSpec | None = Field(default=None, description="A PostgreSQL database instead of the file.")
    retention: RetentionSpec = Field(default_factory=RetentionSpec, description="How much is kept.")
    tags: Patterns = Field(
        default=("**",),
        description="Paths of tags that are kept, and patterns over telemetry and numeric commands (** any twins, * "
        "within a name).",
    )
    except_: Patterns = Field(default=(), alias="except", description="Of these, the ones that are not kept.")


def history_rules(spec: HistorySpec) -> Iterator[tuple[Loc, str]]:
    """Where the section contradicts itself."""
    if spec.path is not None and spec.postgres is not None:
        yield ("postgres",), "path and postgres are two places; give one of them"
    secret = spec.postgres.password if spec.postgres is not None else None
    if secret is not None and secret.trouble:
        yield ("postgres", "password"), secret.trouble
