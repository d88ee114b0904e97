"""All services by path, which of them a camera has, and what to say about operations that it does not have. Pure.

To add a service, write its `Service` and name it in `_ALL`; everything else follows from it.
"""

from __future__ import annotations

from proxyd.camera.spec import CameraSpec

from ..faults import SoapFault, action_not_supported, no_such_service
from ..soap import SoapRequest
from . import analytics, device, deviceio, events, imaging, media, media2, ptz
from .operation import Operation, Service

_ALL: tuple[Service, ...] = (
    device.SERVICE,
    media.SERVICE,
    media2.SERVICE,
    events.SERVICE,
    deviceio.SERVICE,
    ptz.SERVICE,
    imaging.SERVICE,
    analytics.SERVICE,
)
SERVICES: dict[str, Service] = {service.path: service for service in _ALL}
_REFUSED_VERBS = ("Set", "Add", "Remove", "Create", "Delete", "Start", "Stop", "Upgrade", "Restore")


def offered(spec: CameraSpec) -> tuple[Service, ...]:
    """The services of this camera, in the order in which GetServices lists them."""
    return tuple(service for service in _ALL if service.offered(spec))


def find(path: str, request: SoapRequest, services: tuple[Service, ...]) -> Operation:
    """The operation for namespace and local name at this path, if its service is one of `services`. Raises
    ActionNotSupported with a hint."""
    service = SERVICES[path]
    if service not in services:
        raise no_such_service(service.category or path.rpartition("/")[2])
    operation = service.operations.get((request.namespace, request.operation))
    if operation is None:
        raise _unknown(path, request, services)
    return operation


def _unknown(path: str, request: SoapRequest, services: tuple[Service, ...]) -> SoapFault:
    key = (request.namespace, request.operation)
    name = request.operation[:64]
    for service in services:
        if key in service.operations:
            return action_not_supported(name, f"not at {path}, ask {service.path}")
    if name.startswith(_REFUSED_VERBS):
        return action_not_supported(name, "this cannot be changed over ONVIF")
    return action_not_supported(name)
