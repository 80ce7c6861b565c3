"""What the server counts about its own service (ServerDiagnosticsSummary, Part 5, 12.9)."""

from __future__ import annotations

from typing import Final

from asyncua import ua

_SECURITY: Final = frozenset(
    {
        ua.StatusCodes.BadSecurityChecksFailed,
        ua.StatusCodes.BadUserAccessDenied,
        ua.StatusCodes.BadIdentityTokenInvalid,
        ua.StatusCodes.BadIdentityTokenRejected,
        ua.StatusCodes.BadUserSignatureInvalid,
        ua.StatusCodes.BadApplicationSignatureInvalid,
        ua.StatusCodes.BadCertificateInvalid,
        ua.StatusCodes.BadCertificateUriInvalid,
        ua.StatusCodes.BadNonceInvalid,
    }
)


class Diagnostics:
    """Counters since the server started."""

    def __init__(self) -> None:
        self.rejected_requests = 0
        self.rejected_sessions = 0
        self.security_rejected_requests = 0
        self.security_rejected_sessions = 0

    def rejected(self, status: int) -> None:
        """A request was answered with a ServiceFault."""
        self.rejected_requests += 1
        if status in _SECURITY:
            self.security_rejected_requests += 1
