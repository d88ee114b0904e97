"""XML namespaces of ONVIF and what it stands on, each with one fixed prefix.

Strict client parsers and people who read traces both profit from prefixes that never change.
"""

from __future__ import annotations

ENV12 = "http://www.w3.org/2003/05/soap-envelope"
ENV11 = "http://schemas.xmlsoap.org/soap/envelope/"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
DEVICEIO = "http://www.onvif.org/ver10/deviceIO/wsdl"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
IMAGING = "http://www.onvif.org/ver20/imaging/wsdl"
ANALYTICS = "http://www.onvif.org/ver20/analytics/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
ERRORS = "http://www.onvif.org/ver10/error"
TOPICS = "http://www.onvif.org/ver10/topics"
NOTIFICATION = "http://docs.oasis-open.org/wsn/b-2"
TOPIC_SETS = "http://docs.oasis-open.org/wsn/t-1"
RESOURCE_FAULTS = "http://docs.oasis-open.org/wsrf/r-2"
BASE_FAULTS = "http://docs.oasis-open.org/wsrf/bf-2"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ADDRESSING_2004 = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
XSD = "http://www.w3.org/2001/XMLSchema"
XML = "http://www.w3.org/XML/1998/namespace"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

PREFIXES: dict[str, str] = {
    "env": ENV12,
    "tds": DEVICE,
    "trt": MEDIA,
    "tr2": MEDIA2,
    "tev": EVENTS,
    "tmd": DEVICEIO,
    "tptz": PTZ,
    "timg": IMAGING,
    "tan": ANALYTICS,
    "tt": SCHEMA,
    "ter": ERRORS,
    "tns1": TOPICS,
    "wsnt": NOTIFICATION,
    "wstop": TOPIC_SETS,
    "wsrf-r": RESOURCE_FAULTS,
    "wsrf-bf": BASE_FAULTS,
    "wsa": ADDRESSING,
    "xsd": XSD,
    "wsse": WSSE,
    "wsu": WSU,
}


def clark(name: str) -> str:
    """`tt:Name` → `{http://www.onvif.org/ver10/schema}Name`; a name without prefix stays. KeyError: unknown prefix."""
    prefix, colon, local = name.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}" if colon else name
