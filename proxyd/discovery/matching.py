"""Which Probes mean a camera: types and scopes by the rules of WS-Discovery 2005/04 section 5.1. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import unquote

QName = tuple[str, str]  # namespace, local name

_RULES = "http://schemas.xmlsoap.org/ws/2005/04/discovery/"
_NEWER_RULES = "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/"
_BY_SEGMENTS = frozenset({"", f"{_RULES}rfc2396", f"{_RULES}rfc3986", f"{_NEWER_RULES}rfc3986"})
_BY_UUID = frozenset({f"{_RULES}uuid", f"{_NEWER_RULES}uuid"})
_BY_TEXT = frozenset({f"{_RULES}strcmp0", f"{_NEWER_RULES}strcmp0"})


def matches_types(asked: Iterable[QName], own: Iterable[QName]) -> bool:
    """All types asked for must be ours; none asked for means everybody.

    Some clients never declare the prefix of the type, so a name without namespace is compared by its local part."""
    known = set(own)
    local_names = {local for _, local in known}
    return all((qname in known) if qname[0] else (qname[1] in local_names) for qname in asked)


def matches_scopes(asked: Iterable[str], own: Sequence[str], rule: str = "") -> bool:
    """Each scope asked for must match one of ours by `rule` (MatchBy; "" is rfc2396). Rules that we do not know match
    nothing: ONVIF Core section 7.3.6 lets a device stay silent then."""
    if rule in _BY_SEGMENTS:
        return all(any(_is_segment_prefix(scope, ours) for ours in own) for scope in asked)
    if rule in _BY_TEXT:
        return all(scope in own for scope in asked)
    if rule in _BY_UUID:
        lowered = {ours.lower() for ours in own}
        return all(scope.lower() in lowered for scope in asked)
    return False


def _is_segment_prefix(asked: str, ours: str) -> bool:
    """The rule rfc2396: same scheme and authority, and the path of `asked` is, segment by segment, the beginning of
    ours; query and fragment do not count. "onvif://www.onvif.org/name/Yard" matches "…/name/Yard/2", not "…/Yards"."""
    left, right = _parts(asked), _parts(ours)
    if left is None or right is None or left[:2] != right[:2]:
        return False
    path = left[2]
    while path and path[-1] == "":
        path = path[:-1]  # ".../type/" is meant like ".../type"
    return right[2][: len(path)] == path


def _parts(uri: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Scheme and authority in lower case, path segments decoded; None with "." or "..", which never match.

    Not by urlsplit: it raises on odd hosts, and scopes are anybody's text."""
    uri = uri.partition("#")[0].partition("?")[0]
    scheme, colon, rest = uri.partition(":")
    if not colon:
        scheme, rest = "", uri
    authority = ""
    if rest.startswith("//"):
        authority, _, rest = rest[2:].partition("/")
    elif rest.startswith("/"):
        rest = rest[1:]
    segments = tuple(rest.split("/")) if rest else ()
    if "." in segments or ".." in segments:
        return None
    return scheme.lower(), authority.lower(), tuple(unquote(segment) for segment in segments)
