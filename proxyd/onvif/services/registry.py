"""All services by path, and what to say about operations that we do not have. Pure."""

from __future__ import annotations

from ..faults import SoapFault, action_not_supported
from ..soap import SoapRequest
from . import device, events, media, media2
from .operation import Operation, Service

SERVICES: dict[str, Service] = {
    service.path: service for service in (device.SERVICE, media.SERVICE, media2.SERVICE, events.SERVICE)
}
_REFUSED_VERBS = ("Set", "Add", "Remove", "Create", "Delete", "Start", "Stop", "Upgrade", "Restore")


def find(path: str, request: SoapRequest) -> Operation:
    """The operation for namespace and local name at this path. Raises ActionNotSupported with a hint."""
    key = (request.namespace, request.operation)
    operation = SERVICES[path].operations.get(key)
    if operation is None:
        raise _unknown(path, request)
    return operation


def _unknown(path: str, request: SoapRequest) -> SoapFault:
    key = (request.namespace, request.operation)
    name = request.operation[:64]
    for service in SERVICES.values():
        if key in service.operations:
            return action_not_supported(name, f"not at {path}, ask {service.path}")
    if name.startswith(_REFUSED_VERBS):
        return action_not_supported(name, "the settings of this camera cannot be changed over ONVIF")
    return action_not_supported(name)
