"""Types of parameters that people fill in, with their limits. The texts of the errors are shown beside the fields."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from .names import without_account

_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


def _host(value: str) -> str:
    """An IPv4/IPv6 address or a host name, without scheme, port or path."""
    bare = value.strip().removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        pass
    else:
        if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
            raise ValueError("must be the address of one device, such as 192.168.1.20")
        return str(address)
    bare = bare.removesuffix(".")  # fully qualified or not: the same host
    labels = bare.split(".")
    looks_numeric = all(label.isdigit() for label in labels)
    if looks_numeric or len(bare) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must be an IP address or a host name, such as 192.168.1.20")
    return bare.lower()


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must not contain control characters")
    return value


def _without_account(value: str) -> str:
    if without_account(value) != value:
        raise ValueError("must not hold a password or a query, as in an address: recorders are told of it")
    return value


def typeable(value: SecretStr | None) -> SecretStr | None:
    """Somebody types it into a recorder, and XML 1.0 cannot hold most control characters."""
    if value is not None:
        _printable(value.get_secret_value())
    return value


def _probe(value: str) -> str:
    """ "host" or "host:port", an IPv6 address in brackets when a port follows."""
    host, colon, port = value.strip().rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = value, "1"
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise ValueError("must be an address or address:port, such as 192.168.1.20:3702")
    _host(host)
    return value.strip()


def _network(value: str) -> str:
    """A network in CIDR notation, or one address; without host bits."""
    try:
        return str(ipaddress.ip_network(value.strip(), strict=False))
    except ValueError:
        raise ValueError("must be a network such as 10.9.0.0/24") from None


Host = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_host)]
Probe = Annotated[str, StringConstraints(min_length=1, max_length=262), AfterValidator(_probe)]
Network = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_network)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(_printable),
    AfterValidator(_without_account),
]
Username = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)]
CameraPassword = Annotated[SecretStr, AfterValidator(typeable), Field(min_length=4, max_length=64)]  # for recorders
Id = Annotated[int, Field(ge=1, le=2**53 - 1)]
IdOrNone = Annotated[int, Field(ge=0, le=2**53 - 1)]  # 0: none
