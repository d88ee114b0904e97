"""Requests that are nearly right: made from the official schemas, then broken where a parser or a service may trip.

Everything comes from one seeded random generator, so that a finding can be made again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from proxyd.onvif.namespaces import ENV11, ENV12, PREFIXES
from proxyd.onvif.services.operation import EVENTS_PATH
from tests.proxyd.onvif import coverage
from tests.proxyd.onvif.builders import PATHS, username_token
from tests.proxyd.onvif.schemas import Validator
from tests.proxyd.onvif.valid_requests import RequestMaker

_SHORT = {PREFIXES[prefix]: prefix for prefix in PATHS}
_TEXTS = [
    *("", " ", "0", "-1", "1", "999999999999999999999", "1e999", "NaN", "-INF", "0x10", "1.5", "٣", "true", "TRUE"),
    *("main", "sub", "nowhere", "video_source", "ptz_config", "video_encoder_main", "audio_source_config"),
    *("PT5S", "PT-5S", "P1000000Y", "-PT1S", "PT1e9S", "2026-11-22T11:31:00Z", "0000-00-00T00:00:00Z", "9999999-01-01"),
    *(
        "%s%n",
        "../../etc/passwd",
        "' OR 1=1 --",
        "${jndi:x}",
        "\u202eabc",
        "a\u0301\u0300",
        "😀",
        "tt:x",
        ":",
        "tns1:*",
    ),
    *(
        "tns1:VideoSource//.",
        "tns1:RuleEngine|tns1:Device",
        "boolean(//tt:SimpleItem[@Name='State'])",
        "((((((((",
        "a" * 64,
    ),
    *(
        "http://127.0.0.1:9/",
        "http://[::1",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "gopher://x",
        "//",
        "a" * 3000,
    ),
    *(
        "AAAA",
        "====",
        "onvif://www.onvif.org/name/x",
        "onvif://www.onvif.org/Profile/Streaming",
        "H265",
        "RtspsUnicast",
    ),
    *("guest", "onvif", "Administrator", "Anonymous", "Extended", "gate.example", "-", "a.b..c", "x" * 300, "All"),
]
_NAMES = ["Extension", "Any", "Filter", "token", "Configuration", "x", "Envelope", "Body", "Fault", "Security", "a.b-c"]
_NAMESPACES = [*PREFIXES.values(), "", "urn:other"]
_BYTES = [b"\0", b"\xff", b"<", b"&", b"&#0;", b"&#x110000;", b"]]>", b"<![CDATA[", b"<!--", b"<?x?>", b"\xed\xa0\x80"]
_DOCUMENT_TYPES = [
    b'<!DOCTYPE a [<!ENTITY b "cccccccc">]>',
    b'<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    b"<!doctype a>",
    b'<?xml version="1.1"?>',
    b'<?xml version="1.0" encoding="utf-7"?>',
    b'<?xml version="1.0" encoding="ISO-8859-1"?>',
    b"<?xml version='1.0' encoding='UTF-16'?>",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b" ",
]
_SPACES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items() if prefix != "env")


@dataclass(frozen=True, slots=True)
class Request:
    """One POST. `version` is what its envelope says; whether it is one, is for the camera to find out."""

    path: str
    query: str
    body: bytes
    authorization: str | None
    version: str


class Mutator:
    """An endless source of requests. `subscriptions` are the ids that the camera has given, newest last."""

    def __init__(self, validator: Validator, seed: int) -> None:
        self.random = random.Random(seed)
        maker = RequestMaker(validator)
        self._seeds = [
            (namespace, maker.request(namespace, name, full=full))
            for namespace, names in coverage.operations(validator).items()
            for name in names
            if maker.knows(namespace, name)
            for full in (False, True)
        ]
        self.subscriptions: list[str] = []
        self._old_tokens = [""]
        self._changes: list[Callable[[etree._Element], None]] = [
            *(self._other_text, self._other_text, self._other_text, self._other_attribute, self._dropped),
            *(self._doubled, self._renamed, self._moved, self._grafted, self._deeper, self._shuffled, self._commented),
        ]

    def request(self, now: datetime) -> Request:
        """The next one; `now` is the camera's time."""
        chance = self.random.random
        namespace, seed = self.random.choice(self._seeds)
        body = deepcopy(seed)
        for _ in range(self.random.choice((0, 0, 1, 1, 1, 2, 3, 6))):
            self.random.choice(self._changes)(body)
        version = "1.1" if chance() < 0.1 else "1.2"
        raw = self._envelope(etree.tostring(body, encoding="unicode"), self._header(now), version).encode()
        if chance() < 0.12:
            raw = self._broken(raw)
        path = PATHS[_SHORT[namespace]] if chance() < 0.95 else self.random.choice(list(PATHS.values()))
        query = ""
        if path == EVENTS_PATH and chance() < 0.7:
            query = self.random.choice([*self.subscriptions[-16:], "", "nowhere", "x" * 500])
        return Request(path, query, raw, self._authorization() if chance() < 0.05 else None, version)

    # The document ------------------------------------------------------------------------------------------------

    def _any(self, root: etree._Element) -> etree._Element:
        return self.random.choice([element for element in root.iter() if isinstance(element.tag, str)])

    def _inner(self, root: etree._Element) -> etree._Element | None:
        found = [element for element in root.iter() if isinstance(element.tag, str) and element is not root]
        return self.random.choice(found) if found else None

    def _other_text(self, root: etree._Element) -> None:
        self._any(root).text = self.random.choice(_TEXTS)

    def _other_attribute(self, root: etree._Element) -> None:
        element = self._any(root)
        names = [str(name) for name in element.attrib] or ["token", "x", "Dialect", "{urn:other}y"]
        element.set(self.random.choice(names), self.random.choice(_TEXTS))

    def _dropped(self, root: etree._Element) -> None:
        element = self._inner(root)
        parent = element.getparent() if element is not None else None
        if element is not None and parent is not None:
            parent.remove(element)

    def _doubled(self, root: etree._Element) -> None:
        element = self._inner(root)
        parent = element.getparent() if element is not None else None
        if element is not None and parent is not None:
            for _ in range(self.random.choice((1, 1, 2, 30))):
                parent.append(deepcopy(element))

    def _renamed(self, root: etree._Element) -> None:
        element = self._any(root)
        name = etree.QName(element)
        local = self.random.choice([name.localname, *_NAMES])
        namespace = self.random.choice([name.namespace or "", *_NAMESPACES])
        element.tag = f"{{{namespace}}}{local}" if namespace else local

    def _moved(self, root: etree._Element) -> None:
        element, target = self._inner(root), self._any(root)
        if element is not None and element not in target.iterancestors() and element is not target:
            target.append(element)

    def _grafted(self, root: etree._Element) -> None:
        self._any(root).append(deepcopy(self._any(self.random.choice(self._seeds)[1])))

    def _deeper(self, root: etree._Element) -> None:
        element = self._any(root)
        for _ in range(self.random.choice((3, 3, 70))):
            element = etree.SubElement(element, element.tag)

    def _shuffled(self, root: etree._Element) -> None:
        element = self._any(root)
        children = list(element)
        self.random.shuffle(children)
        element[:] = children

    def _commented(self, root: etree._Element) -> None:
        made = etree.Comment(" main ") if self.random.random() < 0.5 else etree.ProcessingInstruction("x", "main")
        self._any(root).append(made)

    # Round it ------------------------------------------------------------------------------------------------------

    def _header(self, now: datetime) -> str:
        chance = self.random.random()
        if chance < 0.72:
            token = username_token(created=_instant(now))
        elif chance < 0.78:
            token = ""
        elif chance < 0.82:
            token = username_token(password="wrong", created=_instant(now))
        elif chance < 0.86:
            token = username_token(created=_instant(now + timedelta(seconds=self.random.choice((-301, 299, 301, 9e8)))))
        elif chance < 0.9:
            token = self.random.choice(self._old_tokens)
        elif chance < 0.95:
            token = username_token(
                self.random.choice(_TEXTS[:30]), kind="Text", created=self.random.choice(_TEXTS[:14])
            )
            token = token.replace("<wsse:Nonce ", self.random.choice(("<wsse:Nonce ", "<wsse:Other ")), 1)
        else:
            token = username_token(created=_instant(now)).replace("UsernameToken", "BinarySecurityToken")
        self._old_tokens = [*self._old_tokens[-8:], token]
        if self.random.random() < 0.15:
            about = self.random.choice(("urn:uuid:1", "", "x" * 400, "a&amp;b"))
            token += f"<wsa:MessageID>{about}</wsa:MessageID><wsa:Action env:mustUnderstand='1'>x</wsa:Action>"
        return token

    def _envelope(self, body: str, header: str, version: str) -> str:
        env = ENV12 if version == "1.2" else ENV11
        if self.random.random() < 0.02:
            env = self.random.choice(_NAMESPACES)
        if self.random.random() < 0.02:
            body = self.random.choice(("", body + body, f"text{body}", f"<a>{body}</a>"))
        head = f"<env:Header>{header}</env:Header>" if header or self.random.random() < 0.5 else ""
        return f'<env:Envelope xmlns:env="{env}" {_SPACES}>{head}<env:Body>{body}</env:Body></env:Envelope>'

    def _broken(self, raw: bytes) -> bytes:
        at = self.random.randrange(len(raw))
        match self.random.randrange(8):
            case 0:
                return raw[:at]
            case 1:
                return raw[:at] + self.random.choice(_BYTES) + raw[at:]
            case 2:
                return raw[:at] + bytes([raw[at] ^ 1 << self.random.randrange(8)]) + raw[at + 1 :]
            case 3:
                return raw[:at] + raw[at + self.random.randrange(1, 40) :]
            case 4:
                return self.random.choice(_DOCUMENT_TYPES) + raw
            case 5:
                return raw.decode().encode(self.random.choice(("utf-16", "utf-16-be", "utf-16-le", "utf-32")))
            case 6:
                return raw[:at] + raw[at : at + 200] * self.random.choice((2, 5, 400)) + raw[at + 200 :]
            case _:
                return self.random.randbytes(self.random.choice((0, 1, 100, 70_000)))

    def _authorization(self) -> str:
        pieces = [
            *('username="onvif"', 'realm="onviftui"', 'nonce="0"', 'uri="/"', "qop=auth", "nc=00000001", 'cnonce="'),
            *("algorithm=SHA-256", "algorithm=MD5-sess", 'response="0"', "nc=zz", 'nonce="' + "a" * 300 + '"', ",,,"),
        ]
        scheme = self.random.choice(("Digest ", "Basic ", "Bearer ", "digest", ""))
        if scheme == "Basic ":
            return scheme + self.random.choice(("b252aWY6eA==", "====", "b252aWY6a2l3aS03LWxhbnRlcm4="))
        return scheme + ", ".join(self.random.sample(pieces, self.random.randrange(len(pieces))))


def _instant(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
