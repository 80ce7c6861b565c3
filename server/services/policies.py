"""The security policies offered, by the names of `UaServerOptions.policies`, and what implements them."""

from __future__ import annotations

from typing import Final

from asyncua.crypto import security_policies

from server.services.options import POLICY_NONE

POLICIES: Final[dict[str, type[security_policies.SecurityPolicy]]] = {
    POLICY_NONE: security_policies.SecurityPolicyNone,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}
