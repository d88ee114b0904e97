"""The part of a service's WSDL that we use: pure.

zeep keeps each type of each schema that it is given, though a call needs few: the official WSDLs of a device and its
media hold over 700 types, which cost 5 MB and 0.1 s each. Whatever is kept is kept as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from lxml import etree

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XS = "{http://www.w3.org/2001/XMLSchema}"
_NAMES_IN = ("type", "base", "ref", "itemType", "memberTypes", "substitutionGroup")
_REFERENCES = frozenset({f"{_XS}import", f"{_XS}include", f"{_XS}annotation"})

Name = tuple[str, str]  # namespace, local name


def part_of(wsdl: bytes, schemas: Sequence[bytes], operations: Collection[str]) -> list[bytes]:
    """`wsdl` and each of `schemas`, with these operations (none named: all) and only what they need."""
    service, *others = documents = [_parse(data) for data in (wsdl, *schemas)]
    if operations:
        _keep_operations(service, operations)
    known: dict[Name, list[etree._Element]] = {}
    for schema in (*service.iter(f"{_XS}schema"), *others):
        for component in _components(schema):
            known.setdefault((schema.get("targetNamespace", ""), component.get("name", "")), []).append(component)
    needed: set[Name] = set()
    waiting = [_resolved(part, part.get("element", "")) for part in service.iter(f"{_WSDL}part")]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            for component in known.get(name, ()):
                waiting += _names_in(component)
    for name in known.keys() - needed:
        for component in known[name]:
            _remove(component)
    return [etree.tostring(document) for document in documents]


def _parse(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))


def _keep_operations(service: etree._Element, operations: Collection[str]) -> None:
    messages = set()
    for operation in list(service.iter(f"{_WSDL}operation")):
        if operation.get("name") not in operations:
            _remove(operation)
        else:
            messages |= {part.get("message", "").rpartition(":")[2] for part in operation}
    for message in list(service.iter(f"{_WSDL}message")):
        if message.get("name") not in messages:
            _remove(message)


def _components(schema: etree._Element) -> Iterator[etree._Element]:
    """What a schema declares by name."""
    return (child for child in schema if isinstance(child.tag, str) and child.tag not in _REFERENCES)


def _names_in(component: etree._Element) -> Iterable[Name]:
    for element in component.iter(etree.Element):
        for attribute in _NAMES_IN:
            for text in element.get(attribute, "").split():
                yield _resolved(element, text)


def _resolved(element: etree._Element, text: str) -> Name:
    prefix, _, local = text.rpartition(":")
    return element.nsmap.get(prefix or None) or "", local


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
