"""What five client libraries really sent to a test server: their requests in order, to be signed for another camera.

The recorded tokens are old and belong to a throw-away account.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .builders import username_token

CLIENTS = ["agsh_onvif_0.8.3", "node-onvif_0.1.7", "onvif-python_0.4.7", "onvif-zeep_0.2.12", "onvif-zeep-async_4.3.0"]
_LINE = re.compile(
    r"(\d+) (/onvif/\w+)(?:\?sub=(\w+))? (\w+) auth=\S+ content-type='([^']*)' soapaction=(?:None|'(.*?)')"
)
_FIELDS = {
    "Password": re.compile(r"(<[\w:]*Password [^>]*>)[^<]*(<)"),
    "Nonce": re.compile(r"(<[\w:]*Nonce [^>]*>)[^<]*(<)"),
    "Username": re.compile(r"(<[\w:]*Username>)[^<]*(<)"),
    "Created": re.compile(r"(<[\w:]*Created[^>]*>)[^<]*(<)"),
}
_CREATED = re.compile(r"<[\w:]*Created[^>]*>([^<]+)<")


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `at_subscription`: it went to the address of a subscription. `profile`: the number of the profile
    that it is about, in the order of GetProfiles; None when it names none."""

    number: str
    path: str
    at_subscription: bool
    operation: str
    content_type: str
    action: str | None
    request: str

    @property
    def profile(self) -> int | None:
        named = re.search(r">Profile_(\d)<", self.request)
        return int(named[1]) if named else None

    def signed_anew(
        self, username: str, password: str, nonce: bytes, *, created: str | None = None, profiles: list[str]
    ) -> str:
        """The same request by that account, about those profiles. Created stays as the client wrote it unless given;
        what was sent without token still is."""
        request = self.request
        for number, token in enumerate(profiles):
            request = request.replace(f">Profile_{number}<", f">{token}<")
        written = _CREATED.search(request)
        if written is None:
            return request
        fresh = username_token(username, password, created=created or written[1], nonce=nonce)
        for name, pattern in _FIELDS.items():
            value = re.search(rf"<(?:wsse|wsu):{name}(?: [^>]*)?>([^<]*)<", fresh)
            assert value is not None
            request = pattern.sub(rf"\g<1>{value[1]}\g<2>", request)
        return request


def steps(shared_data: Path, client: str) -> Iterator[Step]:
    """In order."""
    folder = shared_data / "captures" / "clients_local" / client
    for line in (folder / "sequence.txt").read_text().splitlines():
        match = _LINE.match(line)
        assert match is not None, line
        number, path, sub, operation, content_type, action = match.groups()
        request = (folder / f"{number}_{operation}.request.xml").read_text()
        yield Step(number, path, sub is not None, operation, content_type, action, request)
