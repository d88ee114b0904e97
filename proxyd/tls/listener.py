"""A listener for TLS of one camera, beside one without: follows the camera's settings without touching a connection.

Off unless somebody switches it on. The certificate is made when it is needed first, and kept by the camera's owner. A
camera whose port is taken runs without it, says so, and tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from proxyd.camera.commands import Perform, SetCertificate
from proxyd.camera.ports import port_holder
from proxyd.camera.settings import Certificate
from proxyd.camera.spec import CameraSpec
from proxyd.camera.status import start_failure
from proxyd.listening import listen

from .certificate import self_signed, server_context
from .handshakes import Handshakes

RETRY_S = 30.0
_BACKLOG = 32
_log = logging.getLogger(__name__)

_Target = tuple[str, int, Certificate]


class TlsListener:
    """`serve` makes the protocol of one connection. `port` is the real one while it listens, else 0."""

    def __init__(
        self,
        name: str,
        spec: CameraSpec,
        port_of: Callable[[CameraSpec], int],
        serve: Callable[[], asyncio.Protocol],
        *,
        now: Callable[[], datetime] | None = None,
        perform: Perform | None = None,
    ) -> None:
        """`name` is what people call it. With `now` and `perform` it has the certificate made that the camera lacks;
        otherwise it waits for one."""
        self._name = name
        self._port_of = port_of
        self._spec = spec
        self._serve = serve
        self._now = now
        self._perform = perform
        self._listener: asyncio.Server | None = None
        self._handshakes: Handshakes | None = None
        self._serving: _Target | None = None
        self._task: asyncio.Task[None] | None = None
        self._again_at = 0.0
        self.port = 0
        self._note = ""

    @property
    def note(self) -> str:
        """What keeps it from what is switched on; "" when nothing does."""
        return self._note if self._spec.settings.https else ""

    def update(self, spec: CameraSpec) -> None:
        self._spec = spec
        self._again_at = 0.0

    def tend(self) -> None:
        """To be called about once a second: begins to do what the settings say now."""
        settled = self._target() == self._serving and not self._lacks_certificate()
        if self._task is None and not settled and asyncio.get_running_loop().time() >= self._again_at:
            self._task = asyncio.create_task(self._follow(), name=f"{self._name} of camera {self._spec.id}")

    async def start(self) -> None:
        """Listens at once when there is all that it needs; what fails is in `note`."""
        if self._target() is not None:
            await self._follow()

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._close()

    def _target(self) -> _Target | None:
        spec = self._spec
        if not spec.settings.https or spec.certificate is None:
            return None
        return spec.address, self._port_of(spec), spec.certificate

    def _lacks_certificate(self) -> bool:
        return self._spec.settings.https and self._spec.certificate is None and self._perform is not None

    async def _follow(self) -> None:
        try:
            if self._lacks_certificate():
                await self._make_certificate()  # its owner gives it to us by `update`
            else:
                await self._switch(self._target())
            self._note = ""
        except OSError as error:
            self._again_at = asyncio.get_running_loop().time() + RETRY_S
            address, port = self._spec.address, self._port_of(self._spec)
            holder = await asyncio.to_thread(port_holder, address, port)
            reason = start_failure(error, address, port, holder).reason
            self._note = f"{self._name} is switched on, but: {reason}"
        except Exception:
            self._again_at = asyncio.get_running_loop().time() + RETRY_S
            _log.exception("camera %d: a bug keeps it from %s", self._spec.id, self._name)
            self._note = f"{self._name} is switched on, but a bug keeps this camera from it; proxyd's log has details."
        finally:
            self._task = None

    async def _make_certificate(self) -> None:
        assert self._perform is not None and self._now is not None  # _lacks_certificate
        certificate = await asyncio.to_thread(self_signed, self._spec, self._now())
        await self._perform(SetCertificate(certificate, only_first=True), "")  # somebody may have brought one meanwhile

    async def _switch(self, target: _Target | None) -> None:
        if target is None:
            await self._close()
            return
        address, port, certificate = target
        context = await asyncio.to_thread(server_context, certificate)
        if self._handshakes is not None and self._serving is not None and self._serving[:2] == target[:2]:
            self._handshakes.context, self._serving = context, target  # for those who come from now on
            return
        await self._close()
        handshakes = Handshakes(context, self._serve, f"camera {self._spec.id}")
        self._listener = await listen(handshakes, address, port, backlog=_BACKLOG)
        self._handshakes, self._serving = handshakes, target
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        listener, handshakes = self._listener, self._handshakes
        self._listener = self._handshakes = self._serving = None
        self.port = 0
        if listener is not None:
            listener.close()
        if handshakes is not None:
            await handshakes.stop()
