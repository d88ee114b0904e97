"""The part of a WSDL that is kept: what is called, and all that it needs."""

from __future__ import annotations

from pathlib import Path

import onvif
import pytest
from lxml import etree

from proxyd.nvr.wsdl_part import part_of

_FOLDER = Path(onvif.__file__).parent / "wsdl"
_XS = "{http://www.w3.org/2001/XMLSchema}"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_TT = "http://www.onvif.org/ver10/schema"


def _part(wsdl: str, *operations: str) -> tuple[etree._Element, etree._Element]:
    files = [(_FOLDER / name).read_bytes() for name in (wsdl, "onvif.xsd")]
    service, schema = (etree.fromstring(data) for data in part_of(files[0], files[1:], operations))
    return service, schema


def _declared(schema: etree._Element) -> dict[str, bytes]:
    return {
        child.get("name", ""): etree.tostring(child, method="c14n", with_comments=False)
        for child in schema.iterchildren(f"{_XS}*")
        if child.get("name")
    }


def test_only_named_operations_are_left_in_ports_and_bindings() -> None:
    service, _ = _part("devicemgmt.wsdl", "GetServices", "GetDeviceInformation")
    for parent in ("portType", "binding"):
        found = [operation.get("name") for operation in service.iterfind(f"{_WSDL}{parent}/{_WSDL}operation")]
        assert sorted(str(name) for name in found) == ["GetDeviceInformation", "GetServices"]
    messages = {str(message.get("name")) for message in service.iterfind(f"{_WSDL}message")}
    assert messages == {
        f"Get{what}{way}" for what in ("Services", "DeviceInformation") for way in ("Request", "Response")
    }


def test_without_names_all_operations_are_left() -> None:
    whole = etree.parse(_FOLDER / "ptz.wsdl").getroot()
    service, _ = _part("ptz.wsdl")
    assert len(list(service.iter(f"{_WSDL}operation"))) == len(list(whole.iter(f"{_WSDL}operation"))) > 40


@pytest.mark.parametrize(
    ("wsdl", "operations"),
    [
        ("devicemgmt.wsdl", ("GetCapabilities",)),
        ("media.wsdl", ("GetProfiles",)),
        ("ptz.wsdl", ()),
        ("imaging.wsdl", ()),
    ],
)
def test_what_is_kept_is_unchanged_and_needs_nothing_that_is_not(wsdl: str, operations: tuple[str, ...]) -> None:
    _, schema = _part(wsdl, *operations)
    whole = _declared(etree.parse(_FOLDER / "onvif.xsd").getroot())
    kept = _declared(schema)
    assert 20 < len(kept) < len(whole) / 4
    assert all(whole[name] == data for name, data in kept.items())
    for element in schema.iter(etree.Element):
        for attribute in ("type", "base", "ref", "itemType"):
            prefix, _, name = element.get(attribute, "").rpartition(":")
            if name and element.nsmap.get(prefix or None) == _TT:
                assert name in kept
