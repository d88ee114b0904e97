"""What every answer to every request must be: SOAP from the first byte, valid, without a word of the NVR's."""

from __future__ import annotations

import random
from collections import Counter
from xml.etree import ElementTree

from lxml import etree

from proxyd.onvif.faults import CONTENT_TYPE_11
from proxyd.onvif.namespaces import ENV11, ENV12, clark
from proxyd.onvif.soap import CONTENT_TYPE
from tests.proxyd.onvif.builders import PASSWORD
from tests.proxyd.onvif.schemas import Validator

_STATUSES = {200, 400, 401, 405, 408, 413, 415}
_SECRETS = (b"NvrProfile", b"NvrSource", b"NvrPreset", b"192.0.2.9", b"nvr-admin", b"nvr-secret", PASSWORD.encode())
_OF_EACH_KIND = 5  # answers that are held against the schemas in any case


class Judge:
    """Raises AssertionError for an answer that must not be. `one_in`: of the answers whose kind was seen often, one in
    so many is held against the schemas."""

    def __init__(self, validator: Validator, one_in: int) -> None:
        self.kinds: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.validated = 0
        self._validator = validator
        self._one_in = one_in
        self._random = random.Random(0)

    def check(self, status: int, content_type: str, raw: bytes) -> None:
        self.statuses[status] += 1
        assert not any(secret in raw for secret in _SECRETS), raw
        root = ElementTree.fromstring(raw)  # libxml2 would keep short texts for ever, such as each time of day
        assert root.tag in (f"{{{ENV12}}}Envelope", f"{{{ENV11}}}Envelope"), raw
        version = "1.2" if root.tag == f"{{{ENV12}}}Envelope" else "1.1"
        assert content_type == (CONTENT_TYPE if version == "1.2" else CONTENT_TYPE_11), content_type
        assert len(root[-1]) == 1 and root[-1].tag.endswith("}Body"), raw
        answer = root[-1][0]
        fault = answer.tag.endswith("}Fault")
        assert fault == (status != 200), (status, raw)
        assert status in _STATUSES or (status == 500 and version == "1.1"), (status, raw)
        kind = f"{version} {status} {answer.tag} {_codes(answer)}"
        self.kinds[kind] += 1
        if self.kinds[kind] <= _OF_EACH_KIND or self._random.randrange(self._one_in) == 0:
            self.validated += 1
            self._hold(version, fault, raw)

    def _hold(self, version: str, fault: bool, raw: bytes) -> None:
        if version == "1.2":
            self._validator.body(raw)
            return
        answer = etree.fromstring(raw)[-1][0]
        if fault:
            assert [etree.QName(child).localname for child in answer][:2] == ["faultcode", "faultstring"], raw
        else:
            self._validator.schema.validate(etree.tostring(answer))


def _codes(answer: ElementTree.Element) -> str:
    return "/".join(value.text or "" for value in answer.iter(clark("env:Value")))
