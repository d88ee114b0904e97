"""Profiles and addresses of an NVR, from Media2 where it works and Media where it does not."""

from __future__ import annotations

from typing import Any, Literal

from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.nvr.addresses import BadAddress, at_typed_host, port_of, with_port
from proxyd.nvr.client import NvrClient
from proxyd.nvr.profiles import Profile, parse_media2_profile, parse_media_profile
from proxyd.nvr.refusals import CHECK_LOGIN, Refusal, RightsMissing, SoapFault, is_login, refusal_error
from proxyd.onvif.namespaces import MEDIA, MEDIA2

MAX_PROFILES = 1024
_LIST_STEP = "list its streams"
# Media2 names transports of its own; "RTSP" is RTP inside the RTSP connection, which is how we fetch streams.
_MEDIA2_PROTOCOLS = ("RTSP", "RtspUnicast")
_NAMES = {MEDIA: "Media", MEDIA2: "Media2"}


class MediaReader:
    """Reads through a connected NvrClient. `warnings` collects sentences for people."""

    def __init__(self, client: NvrClient) -> None:
        self._client = client
        self._namespaces: list[str] = []  # in the order to try, after read_profiles
        self._media2_protocol = _MEDIA2_PROTOCOLS[0]
        self._snapshots = True
        self.warnings: list[str] = []

    async def read_profiles(self) -> list[Profile]:
        """All profiles, from the service that tells more. Raises UpstreamError when neither tells any."""
        told: dict[str, list[Profile]] = {}
        failures: dict[str, UpstreamError] = {}
        for namespace in (MEDIA2, MEDIA):
            if namespace not in self._client.addresses:
                continue
            try:
                told[namespace] = await self._profiles_of(namespace)
            except UpstreamError as error:
                failures[namespace] = error
        useful = {n: profiles for n, profiles in told.items() if any(p.has_source for p in profiles)}
        if not useful:
            for failure in failures.values():
                if isinstance(failure, UpstreamAuthError):
                    raise failure
                if isinstance(failure, RightsMissing):
                    # The call that proved the login may be open to everybody on this device.
                    raise UpstreamAuthError(f"{self._client.where} refuses this user the list of streams.", CHECK_LOGIN)
            if failures:
                raise failures.get(MEDIA) or next(iter(failures.values()))
            raise UpstreamProtocolError(
                f"{self._client.where} lists no video streams.",
                "Add cameras to the NVR, or give its ONVIF user the right to see them; then scan again.",
            )
        self._namespaces = sorted(useful, key=lambda n: (_worth(useful[n]), n == MEDIA2), reverse=True)
        if MEDIA2 in self._client.addresses and self._namespaces[0] != MEDIA2:
            self.warnings.append("The NVR offers Media2, but it does not work there; Media is used instead.")
        return useful[self._namespaces[0]]

    async def stream_uri(self, profile: Profile) -> str:
        """The RTSP address of a profile on the typed host. Raises UpstreamError."""
        step = f"give the stream address of {profile.token[:40]}"
        raw = await self._first_answer("GetStreamUri", profile, step)
        return self._on_typed_host(raw, ("rtsp", "rtsps"), step)

    async def snapshot_uri(self, profile: Profile) -> str | None:
        """The HTTP address of a profile's still picture; None when the NVR has none. Raises UpstreamError."""
        if not self._snapshots:
            return None
        step = f"give the snapshot address of {profile.token[:40]}"
        try:
            raw = await self._first_answer("GetSnapshotUri", profile, step)
            return self._on_typed_host(raw, ("http", "https"), step)
        except UpstreamProtocolError as error:
            fault = error.__cause__
            if isinstance(error, RightsMissing) or (isinstance(fault, SoapFault) and fault.is_missing_operation):
                self._snapshots = False  # asking once per channel would tell nothing new
            return None

    async def _profiles_of(self, namespace: str) -> list[Profile]:
        try:
            answer = await self._ask(namespace, "GetProfiles", _profile_filter(namespace), _LIST_STEP)
        except UpstreamUnreachable:
            # Behind a port forward the service's own port is closed to us; the typed one may lead there.
            address = self._client.addresses[namespace]
            if port_of(address) == self._client.access.port:
                raise
            self._client.addresses[namespace] = with_port(address, self._client.access.port)
            answer = await self._ask(namespace, "GetProfiles", _profile_filter(namespace), _LIST_STEP)
            self.warnings.append(
                f"The NVR's {_NAMES[namespace]} service names port {port_of(address)}, which does not answer; "
                f"port {self._client.access.port} is used."
            )
        return _parse_profiles(namespace, answer)

    async def _first_answer(
        self, operation: Literal["GetStreamUri", "GetSnapshotUri"], profile: Profile, step: str
    ) -> str:
        """The address from the first service that gives one."""
        failure: UpstreamError | None = None
        for namespace in self._namespaces:
            for parameters in self._uri_questions(namespace, operation, profile.token):
                try:
                    answer = await self._ask(namespace, operation, parameters, step)
                except UpstreamProtocolError as error:
                    failure = failure or error
                    continue
                if raw := _uri_in(answer):
                    self._media2_protocol = parameters.get("Protocol", self._media2_protocol)
                    return raw
        raise failure or UpstreamProtocolError(
            f"{self._client.where} gave no address when asked to {step}.", "Check this channel on the NVR."
        )

    def _uri_questions(self, namespace: str, operation: str, token: str) -> list[dict[str, Any]]:
        if operation == "GetSnapshotUri":
            return [{"ProfileToken": token}]
        if namespace == MEDIA:
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            return [{"StreamSetup": setup, "ProfileToken": token}]
        known = self._media2_protocol
        protocols = [known, *(p for p in _MEDIA2_PROTOCOLS if p != known)]
        return [{"Protocol": p, "ProfileToken": token} for p in protocols]

    async def _ask(self, namespace: str, operation: str, parameters: dict[str, Any], step: str) -> Any:
        try:
            return await self._client.call(namespace, operation, parameters, step)
        except SoapFault as fault:
            raise refusal_error(fault, where=self._client.where, step=step) from fault

    def _on_typed_host(self, raw: str, schemes: tuple[str, ...], step: str) -> str:
        base_port = 554 if schemes[0] == "rtsp" else self._client.access.port
        try:
            return at_typed_host(raw, host=self._client.access.host, schemes=schemes, base_port=base_port)
        except BadAddress as error:
            raise UpstreamProtocolError(
                f"{self._client.where}, asked to {step}, gave {error}.", "Check this channel on the NVR."
            ) from None


async def anonymous_profiles(client: NvrClient) -> list[Profile] | None:
    """The profiles that a device shows to everybody; None when it wants a password. Raises UpstreamError."""
    if not await client.find_services(with_token=False):
        return None
    namespace = MEDIA if MEDIA in client.addresses else MEDIA2
    if namespace not in client.addresses:
        return []
    try:
        answer = await client.invoke(namespace, "GetProfiles", _profile_filter(namespace), _LIST_STEP, with_token=False)
    except Refusal as refusal:
        if is_login(refusal):
            return None
        raise refusal_error(refusal, where=client.where, step=_LIST_STEP) from None
    return _parse_profiles(namespace, answer)


def _parse_profiles(namespace: str, answer: object) -> list[Profile]:
    parse = parse_media2_profile if namespace == MEDIA2 else parse_media_profile
    entries = answer if isinstance(answer, list) else [answer]
    return [p for raw in entries[:MAX_PROFILES] if isinstance(raw, dict) and (p := parse(raw)) is not None]


def _profile_filter(namespace: str) -> dict[str, Any]:
    # Without Type, Media2 lists names and tokens only (Media2 Service Specification 5.2.2).
    return {"Type": ["All"]} if namespace == MEDIA2 else {}


def _worth(profiles: list[Profile]) -> tuple[int, int]:
    return (
        len({p.source_token for p in profiles if p.has_source}),
        sum(p.has_source and p.has_picture for p in profiles),
    )


def _uri_in(answer: object) -> str:
    """Media answers with a structure, Media2 with the text itself."""
    raw = answer.get("Uri") if isinstance(answer, dict) else answer
    return raw.strip() if isinstance(raw, str) else ""
