"""Set… of a configuration: whether the request asks for a change at all, and what to say when that is impossible. Pure.

Many recorders send back what they have just read; that is granted. A change is refused, unless it may be forwarded.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from ..faults import SoapFault, invalid_args, invalid_value, no_configuration
from ..namespaces import clark
from ..soap import Element, RequestElement
from .operation import Context

# How often a configuration is used is ours to count; how long a session lasts is said by RTSP.
_NOT_SET = frozenset({"UseCount", "SessionTimeout"})


def wanted(ctx: Context, prefix: str) -> tuple[RequestElement, str]:
    """The Configuration of the request, and its token. Raises InvalidArgs and NoConfig."""
    found = ctx.request.body.find(clark(f"{prefix}:Configuration"))
    if found is None:
        raise invalid_args("Configuration is missing")
    token = found.get("token", "")
    if not token:
        raise no_configuration(token)
    return found, token


def require_unchanged(wish: RequestElement, present: Element, *, besides: Collection[str] = ()) -> None:
    """Raises ConfigModify that names the first difference; settings named in `besides` may be different."""
    if difference := first_difference(wish, present, besides=besides):
        raise not_modifiable(f"{difference} of this camera cannot be changed over ONVIF")


def not_modifiable(reason: str) -> SoapFault:
    return invalid_value(f"The configuration cannot be set: {reason}", "ter:ConfigModify")


def first_difference(wish: RequestElement, present: Element, *, besides: Collection[str] = ()) -> str:
    """The name of the first setting in the request that is not as it is now; "" when there is none."""
    now = dict(_settings(present))
    for path, value in _settings(wish):
        name = path.rpartition("/")[2][:64]
        if name not in _NOT_SET and name not in besides and not _same(value, now.get(path, "")):
            return name
    return ""


def _settings(element: Element | RequestElement, path: str = "") -> Iterator[tuple[str, str]]:
    """Attributes and texts below, each by its path of local names."""
    for name, value in element.attrib.items():
        yield f"{path}/{_local(str(name))}", str(value).strip()
    children = [child for child in element if isinstance(child.tag, str)]
    for child in children:
        yield from _settings(child, f"{path}/{_local(child.tag)}")
    if path and not children and (text := (element.text or "").strip()):
        yield path, text


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _same(one: str, other: str) -> bool:
    """As texts, as truth values, or as numbers (25 and 25.0)."""
    truth = {"1": "true", "0": "false"}
    if one == other or truth.get(one, one) == truth.get(other, other):
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-6)
    except ValueError:
        return False
