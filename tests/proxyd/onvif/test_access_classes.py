"""Who may do what: the access class that each service specification gives each operation."""

from __future__ import annotations

import pytest

from proxyd.onvif.services.operation import Access
from proxyd.onvif.services.registry import SERVICES

# The rest of what is answered reads media. By class, of all services where a name occurs in several.
_CLASSES: dict[Access, str] = {
    Access.PRE_AUTH: """GetServices GetServiceCapabilities GetCapabilities GetWsdlUrl GetEndpointReference GetHostname
        GetSystemDateAndTime GetRelayOutputOptions""",
    Access.READ_SYSTEM: """GetDeviceInformation GetScopes GetDiscoveryMode GetDNS GetNTP GetDynamicDNS
        GetZeroConfiguration GetNetworkInterfaces GetNetworkProtocols GetNetworkDefaultGateway GetCertificates
        GetCertificatesStatus GetCertificateInformation GetClientCertificateMode GetDigitalInputs GetSerialPorts""",
    Access.READ_SYSTEM_SECRET: "GetUsers GetSystemLog GetSystemSupportInformation GetPkcs10Request",
    Access.WRITE_SYSTEM: """CreateUsers DeleteUsers SetUser SetScopes AddScopes RemoveScopes SetDiscoveryMode SetDNS
        SetNTP SetHostname SetHostnameFromDHCP SetNetworkInterfaces SetNetworkProtocols SetNetworkDefaultGateway
        SetSystemDateAndTime SetCertificatesStatus CreateCertificate LoadCertificates LoadCertificateWithPrivateKey
        DeleteCertificates""",
    Access.UNRECOVERABLE: "SetSystemFactoryDefault SystemReboot",
}
_BY_NAME = {name: access for access, names in _CLASSES.items() for name in names.split()}
_ACTUATING = ("Add", "Create", "Delete", "Goto", "Remove", "Send", "Set", "Stop", "Move")


@pytest.mark.parametrize("path", sorted(SERVICES))
def test_the_class_of_each_operation(path: str) -> None:
    for (_, name), operation in SERVICES[path].operations.items():
        assert operation.access is _expected(path, name), name


def _expected(path: str, name: str) -> Access:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if path == "/onvif/events_service":  # also SetSynchronizationPoint and CreatePullPointSubscription
        return Access.READ_MEDIA
    return Access.ACTUATE if name.startswith(_ACTUATING) or name.endswith("Move") else Access.READ_MEDIA
