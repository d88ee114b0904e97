"""The steps, which of them are done, and with which one to begin: all from the store. Pure.

So nothing has to be remembered: who leaves and comes back, also after a restart of the UI or the daemon, stands where
there is something left to do.
"""

from __future__ import annotations

from enum import StrEnum

from proxyd.api.models import Camera, CameraState, Interface, Nvr, Role

from ..store import Store


class Place(StrEnum):
    """In order; the value is the word in the line of steps."""

    NETWORK = "network"
    INTERFACES = "interfaces"
    NVR = "NVR"
    SCAN = "scan"
    NAMES = "names"
    START = "start"
    ADOPT = "adopt"


PLACES = tuple(Place)
USUAL_CAMERAS = 16
_RUNS = frozenset({CameraState.RUNNING, CameraState.NO_SIGNAL})


def first_run(store: Store) -> bool:
    """Nothing is set up yet, and this user may do it."""
    return store.status is not None and store.status.role is Role.ADMIN and not store.nvrs and not store.cameras


def nvr_in_hand(store: Store) -> Nvr | None:
    """The one to go on with: the newest that is not finished, else the newest."""
    newest_first = sorted(store.nvrs.values(), key=lambda nvr: -nvr.id)
    unfinished = (nvr for nvr in newest_first if not _finished(nvr, store))
    return next(unfinished, newest_first[0] if newest_first else None)


def cameras_of(nvr: Nvr | None, store: Store) -> list[Camera]:
    """By channel."""
    return sorted(
        (camera for camera in store.cameras.values() if nvr is not None and camera.nvr == nvr.id),
        key=lambda camera: (camera.channel, camera.id),
    )


def _finished(nvr: Nvr, store: Store) -> bool:
    cameras = cameras_of(nvr, store)
    return bool(cameras) and all(camera.adopted_by or camera.state in _RUNS for camera in cameras)


def not_begun(nvr: Nvr, store: Store) -> bool:
    """It was scanned, and none of its cameras was ever let run."""
    cameras = cameras_of(nvr, store)
    return bool(cameras) and not any(camera.enabled or camera.adopted_by or camera.recorder for camera in cameras)


def begin_at(store: Store) -> Place:
    """The first step with something left to do."""
    nvr = nvr_in_hand(store)
    if nvr is None:
        return Place.NETWORK
    if not nvr.last_scan or store.running_scan(nvr.id) or not cameras_of(nvr, store):
        return Place.SCAN
    if not_begun(nvr, store):
        return Place.NAMES
    if not all(camera.state in _RUNS for camera in cameras_of(nvr, store) if camera.enabled):
        return Place.START
    return Place.ADOPT


def done(place: Place, store: Store) -> bool:
    nvr = nvr_in_hand(store)
    cameras = cameras_of(nvr, store)
    match place:
        case Place.NETWORK:
            return bool(store.nvrs)
        case Place.INTERFACES:
            return not makes_interfaces(store) or (bool(store.interfaces) and not missing_interfaces(store))
        case Place.NVR:
            return nvr is not None
        case Place.SCAN:
            return nvr is not None and bool(nvr.last_scan)
        case Place.NAMES:
            return nvr is not None and bool(cameras) and not not_begun(nvr, store)
        case Place.START:
            return any(camera.enabled for camera in cameras)
        case Place.ADOPT:
            running = [camera for camera in cameras if camera.enabled]
            return bool(running) and all(camera.adopted_by for camera in running)


def makes_interfaces(store: Store) -> bool:
    """In this mode each camera needs an interface that has to be made."""
    return store.status is not None and store.status.mode == "netlink"


def free_interfaces(store: Store) -> list[Interface]:
    return [interface for interface in store.interfaces.values() if not interface.camera]


def missing_interfaces(store: Store) -> int:
    """How many more are needed for the cameras that there are."""
    without = sum(camera.interface is None for camera in store.cameras.values())
    return max(0, without - len(free_interfaces(store)))


def interfaces_to_offer(store: Store) -> int:
    """A number to begin with: what is missing, else as many as an NVR usually has channels."""
    if missing := missing_interfaces(store):
        return missing
    wanted = max((nvr.channels for nvr in store.nvrs.values()), default=0) or USUAL_CAMERAS
    return max(1, wanted - len(store.interfaces))


def after(place: Place, store: Store) -> Place:
    """Interfaces are left out where the mode has none to make."""
    number = min(PLACES.index(place) + 1, len(PLACES) - 1)
    return PLACES[number + 1] if PLACES[number] is Place.INTERFACES and not makes_interfaces(store) else PLACES[number]


def before(place: Place, store: Store) -> Place:
    number = max(PLACES.index(place) - 1, 0)
    return PLACES[number - 1] if PLACES[number] is Place.INTERFACES and not makes_interfaces(store) else PLACES[number]
