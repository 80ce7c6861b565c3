"""TLS towards a device or broker: its settings, and what asyncio needs of them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.errors import ConnectFailed

File = Annotated[Path, Field(strict=False)]
"""A file named in a plant file, relative to it."""


class Tls(BaseModel):
    """How the other end is recognised, and the bridge by it. Files are PEM, relative to the plant file.

    ca: certificate authorities, default those of the system. cert and key: the bridge's own certificate. server_name:
    the name in the other's certificate, where it is not `host`. insecure: take any certificate and any name; for a
    test bench only.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    ca: File | None = None
    cert: File | None = None
    key: File | None = None
    server_name: str | None = None
    insecure: bool = False

    @model_validator(mode="after")
    def _key_needs_cert(self) -> Self:
        if self.key is not None and self.cert is None:
            raise ValueError("key stands without cert; give the certificate that belongs to it")
        return self

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later; raises ConnectFailed where a file cannot be used. Reads files: call it in a thread."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except (OSError, ssl.SSLError) as error:
            files = f"ca {self.ca}, cert {self.cert}, key {self.key}"
            raise ConnectFailed(f"a TLS file cannot be used ({error}); {files}") from error
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
