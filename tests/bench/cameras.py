"""`python -m tests.bench.cameras COUNT open|signed USER PASSWORD`: the servers of many cameras in one process, without
the daemon round them; prints their ports. "open": what a camera never does, for comparison with servers that do not
authenticate: every operation is answered to anybody."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace

from proxyd.camera.spec import CameraSpec, NvrAccess, StreamSpec
from proxyd.onvif.http import OnvifServer
from proxyd.onvif.services.operation import Access
from proxyd.onvif.services.registry import SERVICES
from proxyd.snapshot.picture import SnapshotPicture


def spec(number: int, username: str, password: str) -> CameraSpec:
    url = f"rtsp://192.0.2.9:554/{number}"
    return CameraSpec(
        id=number,
        name=f"Camera {number}",
        uuid=f"6f1c2f6e-0f4b-4c11-9d0c-{number:012d}",
        serial=f"OT{number:010d}",
        nvr_id=1,
        channel=number,
        address="127.0.0.1",
        prefix_length=24,
        mac=f"02:00:5e:10:00:{number % 256:02x}",
        interface=f"lo{number}",
        http_port=0,
        rtsp_port=8554,
        username=username,
        password=password,
        streams=(
            StreamSpec("main", "H264", 2560, 1440, 25, 4096, url),
            StreamSpec("sub", "H264", 640, 360, 12, 512, url),
        ),
        snapshot_upstream=None,
        nvr=NvrAccess("192.0.2.9", 80, "admin", "unused"),
    )


async def _no_picture() -> SnapshotPicture:
    raise OSError("there is no NVR behind this camera")


async def main(count: int, mode: str, username: str, password: str) -> None:
    if mode == "open":
        for service in SERVICES.values():
            for key, operation in service.operations.items():
                service.operations[key] = replace(operation, access=Access.PRE_AUTH)
    servers = [
        OnvifServer(spec(number, username, password), take_snapshot=_no_picture, record=lambda **_: None)
        for number in range(1, count + 1)
    ]
    for server in servers:
        await server.start()
    print(json.dumps([server.port for server in servers]), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
