"""Which algorithms are offered: strong ones that this build of the library has. Pure.

No finite-field Diffie-Hellman, no SHA-1, no CBC, no MAC that does not cover the encrypted packet. curve25519 without a
post-quantum part stays, for clients older than OpenSSH 9.9.
"""

from __future__ import annotations

from collections.abc import Iterable

KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
)
CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
)
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
COMPRESSIONS = ("none", "zlib@openssh.com")  # the one that begins only after the login
SIGNATURES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-512",
)


def offered(wanted: Iterable[str], available: Iterable[bytes]) -> list[str]:
    """Those that are both, in our order. Raises ValueError when there is none: naming one that the build lacks would
    only end in an error, offering nothing in silence."""
    has = {name.decode("ascii") for name in available}
    both = [name for name in wanted if name in has]
    if not both:
        raise ValueError("the SSH library has none of the algorithms that are wanted")
    return both
