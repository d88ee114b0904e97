"""The official ONVIF schemas as one validator for whole answers.

Built once per session from the published WSDL files: lxml cannot load their schemas, xmlschema in XSD 1.1 mode can.
Without the published files the older copies inside onvif-zeep-async serve (no Media2 there).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lxml import etree
from xmlschema import XMLSchema11

from proxyd.onvif.namespaces import (
    ANALYTICS,
    DEVICE,
    DEVICEIO,
    ENV12,
    EVENTS,
    IMAGING,
    MEDIA,
    MEDIA2,
    NOTIFICATION,
    PTZ,
    RESOURCE_FAULTS,
    SCHEMA,
)

_XS = "{http://www.w3.org/2001/XMLSchema}"
_OFFICIAL = {
    DEVICE: "ver10/device/wsdl/devicemgmt.wsdl",
    MEDIA: "ver10/media/wsdl/media.wsdl",
    MEDIA2: "ver20/media/wsdl/media.wsdl",
    EVENTS: "ver10/events/wsdl/event.wsdl",
    PTZ: "ver20/ptz/wsdl/ptz.wsdl",
    IMAGING: "ver20/imaging/wsdl/imaging.wsdl",
    DEVICEIO: "ver10/deviceio.wsdl",
    ANALYTICS: "ver20/analytics/wsdl/analytics.wsdl",
}
_PACKAGED = {
    DEVICE: "devicemgmt.wsdl",
    MEDIA: "media.wsdl",
    EVENTS: "events.wsdl",
    PTZ: "ptz.wsdl",
    IMAGING: "imaging.wsdl",
    DEVICEIO: "deviceio.wsdl",
    ANALYTICS: "analytics.wsdl",
}
_NAMES_OF_URLS = {
    "soap-envelope": "soap12-envelope.xsd",
    "include": "xop-include.xsd",
    "xmlmime": "xmlmime.xsd",
    "addressing": "ws-addr.xsd",
}


@dataclass
class Validator:
    """Validates envelopes; knows which operations the WSDLs list."""

    schema: Any
    envelope_schema: Any | None
    operations: dict[str, list[str]]
    current: bool = True  # not the older copies, which lack some elements

    def body(self, document: bytes) -> etree._Element:
        """The first child of Body of a valid answer. Raises with the schema's words when it is not valid."""
        root = etree.fromstring(document)
        assert root.tag == f"{{{ENV12}}}Envelope", "not a SOAP 1.2 envelope"
        if self.envelope_schema is not None:
            self.envelope_schema.validate(root)
        body = root[-1][0]
        namespace = etree.QName(body).namespace
        if not self.current and body.tag not in self.schema.maps.elements:
            return body
        if namespace in self.operations or namespace == NOTIFICATION:
            # As a document of its own: xmlschema knows no prefix that is declared further out.
            self.schema.validate(etree.tostring(body))
            for message in body.iter("{http://www.onvif.org/ver10/schema}Message"):
                self.schema.validate(message)
        return body


def load(shared: Path | None, scratch: Path) -> Validator:
    """Schemas from the published files, or from onvif-zeep-async when there are none."""
    if shared is not None:
        folder = shared / "onvif-specs"
        files = {namespace: folder / name for namespace, name in _OFFICIAL.items()}
        by_name = {path.name: path for path in folder.rglob("*.xsd")}
    else:
        package = find_spec("onvif")
        assert package is not None and package.submodule_search_locations
        folder = Path(package.submodule_search_locations[0]) / "wsdl"
        files = {namespace: folder / name for namespace, name in _PACKAGED.items()}
        by_name = {path.name: path for path in folder.iterdir() if path.suffix in (".xsd", "") and path.is_file()}

    def local(url: str) -> str:
        last = url.rstrip("/").rpartition("/")[2]
        target = by_name.get(last) or by_name.get(_NAMES_OF_URLS.get(last, ""))
        return target.as_uri() if target is not None else url

    locations = {}
    operations = {}
    for index, (namespace, wsdl) in enumerate(files.items()):
        tree = etree.parse(wsdl)
        root = next(iter(tree.iter(f"{_XS}schema")))
        extracted = scratch / f"service{index}.xsd"
        extracted.write_bytes(etree.tostring(root))
        locations[namespace] = extracted.as_uri()
        text = wsdl.read_text()
        operations[namespace] = re.findall(r"<wsdl:operation name=\"(\w+)\"", text.partition("<wsdl:binding")[0])
    if resource_faults := by_name.get("r-2.xsd"):  # named by the WSDLs, not by their schemas
        locations[RESOURCE_FAULTS] = resource_faults.as_uri()
    parts = [by_name[name] for name in ("onvif.xsd", "metadatastream.xsd") if name in by_name]
    whole = scratch / "tt.xsd"  # services name one part of that namespace or the other, which counts for all of them
    included = "".join(f'<xs:include schemaLocation="{part.as_uri()}"/>' for part in parts)
    whole.write_text(f'<xs:schema xmlns:xs="{_XS[1:-1]}" targetNamespace="{SCHEMA}">{included}</xs:schema>')
    locations = {SCHEMA: whole.as_uri(), **locations}
    imports = "".join(f'<xs:import namespace="{ns}" schemaLocation="{uri}"/>' for ns, uri in locations.items())
    driver = (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:driver">{imports}</xs:schema>'
    )
    schema = XMLSchema11(driver, uri_mapper=local, allow="local")
    envelope = by_name.get("soap12-envelope.xsd")
    # SOAP's own schema is XSD 1.0; its lax wildcards must not pull in anything else.
    envelope_schema = XMLSchema11(str(envelope), uri_mapper=local, allow="local") if envelope else None
    return Validator(schema, envelope_schema, operations, current=shared is not None)
