"""Rules and analytics modules out of an NVR's answers: pure.

Asked by hand and not through the usual client library: types are names with prefixes, and vendors put elements of their
own between the parameters.
"""

from __future__ import annotations

from collections.abc import Collection

from lxml import etree

from proxyd.camera.features import AnalyticsItem
from proxyd.onvif.namespaces import ANALYTICS

from .envelope import Element, SoapCall

_ONVIF = "http://www.onvif.org/"
_TELLING = 4  # characters of a token; shorter ones stand in addresses by chance
MAX_ITEMS = 64  # rules, or modules, of one channel
_MAX_PARAMETERS = 32
_MAX_CHARS = 256
_NAMES = {"GetRules": "Rule", "GetAnalyticsModules": "AnalyticsModule"}


def ask_items(address: str, operation: str, configuration: str) -> SoapCall:
    """GetRules or GetAnalyticsModules of one video analytics configuration."""
    body = etree.Element(f"{{{ANALYTICS}}}{operation}", nsmap={"tan": ANALYTICS})
    etree.SubElement(body, f"{{{ANALYTICS}}}ConfigurationToken").text = configuration
    return SoapCall(address, f"{ANALYTICS}/{operation}", body, addressed=False)


def parse_items(answer: Element, operation: str, hidden: Collection[str] = ()) -> tuple[AnalyticsItem, ...]:
    """What has a name and a type; never raises. A type of ONVIF's, or of no namespace that can be told, is told in that
    of the schema, where the types that recorders know are. Parameters that say one of `hidden`, the NVR's tokens, are
    left out."""
    found: dict[str, AnalyticsItem] = {}
    for raw in answer.iterfind(f"{{*}}{_NAMES[operation]}"):
        name, kind = _text(raw.get("Name")), _ncname(raw.get("Type"))
        if name and kind and name not in found and len(found) < MAX_ITEMS:
            vendor = _vendor(raw, hidden)
            found[name] = AnalyticsItem(name, kind if vendor else f"tt:{kind}", _parameters(raw, hidden), vendor)
    return tuple(found.values())


def _parameters(raw: Element, hidden: Collection[str]) -> tuple[tuple[str, str], ...]:
    values: dict[str, str] = {}
    for item in raw.iterfind("{*}Parameters/{*}SimpleItem"):
        name, value = _text(item.get("Name")), _text(item.get("Value"))
        if name and value not in hidden and len(values) < _MAX_PARAMETERS:
            values.setdefault(name, value)
    return tuple(values.items())


def _vendor(raw: Element, hidden: Collection[str]) -> str:
    """The namespace of a vendor's own type; "" for one of ONVIF's, or when it says what recorders may not see."""
    prefix, colon, _ = _text(raw.get("Type")).partition(":")
    namespace = (raw.nsmap.get(prefix) or "") if colon else ""
    try:  # the parser takes texts for namespaces that no document could be written with
        etree.Element("any", nsmap={"any": namespace})
    except ValueError:
        return ""
    if not namespace.isascii() or not namespace.isprintable() or len(namespace) > _MAX_CHARS:
        return ""
    secret = any(word in namespace for word in hidden if len(word) >= _TELLING)
    return "" if secret or namespace.startswith(_ONVIF) else namespace


def _ncname(value: str | None) -> str:
    """The local part of a QName, "" when it is none."""
    name = _text(value).rpartition(":")[2]
    usual = name.replace("-", "").replace("_", "").replace(".", "")
    return name if usual.isascii() and usual.isalnum() and not name[0].isdigit() and name[0] not in "-." else ""


def _text(value: str | None) -> str:
    return "".join(c for c in value or "" if c.isprintable()).strip()[:_MAX_CHARS]
