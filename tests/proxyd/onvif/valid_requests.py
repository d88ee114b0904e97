"""Requests for any operation, made from the official schemas: with what the schema requires, or with all it allows.

What an element holds follows from its name where it refers to something of the camera (tokens), else from its type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from lxml import etree

from proxyd.onvif.namespaces import PREFIXES

from .schemas import Validator

_MAX_DEPTH = 5  # of what is optional: some types contain themselves
_LEFT_OUT = ("Extension", "ElementItem")  # an ElementItem holds what no schema says
# By a part of the operation's name, since a ConfigurationToken alone does not say of what.
_CONFIGURATIONS = {
    "EncoderInstances": "video_source_config",
    "VideoEncoder": "video_encoder_main",
    "VideoSource": "video_source_config",
    "AudioEncoder": "audio_encoder_main",
    "AudioSource": "audio_source_config",
    "AudioOutput": "audio_output_config",
    "AudioDecoder": "audio_decoder_config",
    "Analytics": "video_analytics_config",
    "Metadata": "metadata_config",
    "PTZ": "ptz_config",
    "OSD": "video_source_config",
    "Mask": "video_source_config",
    "Guaranteed": "video_source_config",
    "Rule": "video_analytics_config",
}
_VALUES = {
    "ProfileToken": "main",
    "Token": "main",
    "VideoSourceToken": "video_source",
    "AudioSourceToken": "audio_source",
    "AudioOutputToken": "audio_output",
    "NodeToken": "ptz_node",
    "PTZConfigurationToken": "ptz_config",
    "Scopes": "onvif://www.onvif.org/location/gate",
    "ScopeItem": "onvif://www.onvif.org/location/gate",
    "Username": "guest",
    "Password": "guest-5-orchard",
    "CertificateID": "https",
    "DiscoveryMode": "Discoverable",
    "DateTimeType": "NTP",
    "Timeout": "PT1S",
    "InitialTerminationTime": "PT60S",
    "TerminationTime": "PT60S",
    "Stream": "RTP-Unicast",
    "Category": "All",
    "AuxiliaryCommand": "tt:Wiper|On",
    "AuxiliaryData": "tt:Wiper|On",
    "Protocol": "RTSP",
    "FactoryDefault": "Soft",
    "RuleName": "Fence",
    "AnalyticsModuleName": "Cells",
    "IPv4Address": "192.0.2.77",
    "FromDHCP": "true",
    "ValidNotAfter": "2090-01-01T00:00:00Z",
}
_BY_TYPE = {
    "boolean": "true",
    "string": "text",
    "anyURI": "http://192.0.2.77/",
    "duration": "PT5S",
    "dateTime": "2026-11-22T11:30:00Z",
    "float": "0.5",
    "double": "0.5",
    "decimal": "1",
    "base64Binary": "AAAA",
    "hexBinary": "00",
    "NCName": "name",
    "QName": "tt:LineDetector",
    "token": "text",
    "language": "en",
}


class RequestMaker:
    """`known` overrides what elements of some names hold: tokens that only the camera's answers tell."""

    def __init__(self, validator: Validator) -> None:
        self._elements = validator.schema.maps.elements
        self.known: dict[str, str] = {}

    def knows(self, namespace: str, operation: str) -> bool:
        return f"{{{namespace}}}{operation}" in self._elements

    def request(
        self, namespace: str, operation: str, *, full: bool = False, given: Mapping[str, etree._Element] | None = None
    ) -> etree._Element:
        """The operation element. `full`: with optional parts. `given`: ready content, by local name of the element
        that has it."""
        found = self._elements[f"{{{namespace}}}{operation}"]
        return self._element(found, operation, full, given or {}, 0)

    def _element(
        self, declared: Any, operation: str, full: bool, given: Mapping[str, etree._Element], depth: int
    ) -> etree._Element:
        declared = declared.ref or declared
        name = etree.QName(declared.name)
        made = etree.Element(declared.name, nsmap=PREFIXES if depth == 0 else None)
        if name.localname in given:
            source = given[name.localname]
            made.text = source.text
            for key, value in source.attrib.items():
                made.set(key, value)
            made.extend(deepcopy(child) for child in source)
            return made
        kind = declared.type
        if kind.is_simple() or kind.has_simple_content():
            made.text = self._value(name.localname, operation, kind)
        if kind.is_complex():
            for name_of, attribute in kind.attributes.items():
                if name_of is None:  # a wildcard
                    continue
                local = attribute.local_name
                if attribute.type is not None and (attribute.use == "required" or (full and depth < 2)):
                    made.set(attribute.name, self._value(local, operation, attribute.type))
            if kind.has_complex_content() or kind.is_element_only():
                for child in self._children(kind.content, full, depth):
                    made.append(self._element(child, operation, full, given, depth + 1))
        return made

    def _children(self, group: Any, full: bool, depth: int) -> Iterator[Any]:
        if group is None or not hasattr(group, "model"):
            return
        parts = [part for part in group if part.max_occurs != 0]
        if group.model == "choice":
            parts = parts[:1]
        for part in parts:
            needed = part.min_occurs > 0
            if hasattr(part, "model"):
                if needed or full:
                    yield from self._children(part, full, depth)
            elif part.name is None or part.local_name in _LEFT_OUT:  # a wildcard has no name
                continue
            elif needed or (full and depth < _MAX_DEPTH):
                yield from [part] * max(part.min_occurs, 1)

    def _value(self, name: str, operation: str, kind: Any) -> str:
        if name in self.known:
            return self.known[name]
        if name in ("ConfigurationToken", "AnalyticsConfigurationToken", "token", "Configuration"):
            return next((token for part, token in _CONFIGURATIONS.items() if part in operation), "ptz_config")
        choices = [str(choice) for choice in getattr(kind, "enumeration", None) or ()]
        if name == "Type" and not choices and operation.endswith("Configuration"):
            return "VideoEncoder"
        value = _VALUES.get(name)
        if choices:
            return value if value in choices else choices[0]
        if value is not None:
            return value
        return _by_type(kind)


def _by_type(kind: Any) -> str:
    if kind.is_list():
        return _by_type(kind.item_type)
    if kind.has_simple_content() and not kind.is_simple():
        return _by_type(kind.content)
    members = getattr(kind, "member_types", None)
    if members:
        return _by_type(members[0])
    primitive = kind.primitive_type if hasattr(kind, "primitive_type") else kind
    local = (primitive.local_name if primitive is not None else "") or ""
    base: Any = kind
    while base is not None:
        if base.local_name in _BY_TYPE:
            return _BY_TYPE[base.local_name]
        base = base.base_type
    return _BY_TYPE.get(local, "1")


def document(body: etree._Element, header: etree._Element | None = None, *, soap: str = PREFIXES["env"]) -> bytes:
    """An envelope with it, with the usual prefixes declared: texts may use them."""
    used = {**PREFIXES, "env": soap}
    root = etree.Element(f"{{{soap}}}Envelope", nsmap=used)
    head = etree.SubElement(root, f"{{{soap}}}Header")
    if header is not None:
        head.append(deepcopy(header))
    etree.SubElement(root, f"{{{soap}}}Body").append(deepcopy(body))
    return etree.tostring(root)
