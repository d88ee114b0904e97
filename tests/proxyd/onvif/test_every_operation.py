"""Each operation of each official WSDL, asked of running cameras: valid answers, and the table in docs/onvif.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from proxyd.onvif.namespaces import PREFIXES
from proxyd.onvif.services.registry import SERVICES
from tests import reference

from . import coverage
from .builders import PATHS, Camera, username_token
from .schemas import Validator
from .valid_requests import RequestMaker, document
from .world import ENCODER_OPTIONS, NVR_ANSWERS

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "onvif.md"
_OURS = {operation for service in SERVICES.values() for operation in service.operations}


def test_requests_are_as_the_schemas_want_them(validator: Validator) -> None:
    maker = RequestMaker(validator)
    made = 0
    for namespace, names in coverage.operations(validator).items():
        for name in names:
            if maker.knows(namespace, name):
                for full in (False, True):
                    made += 1
                    validator.schema.validate(etree.tostring(maker.request(namespace, name, full=full)))
    assert made > 450


@pytest.mark.parametrize("kind", coverage.cameras())
async def test_a_running_camera_answers_or_refuses_every_operation(kind: str, validator: Validator) -> None:
    found = await coverage.walk(validator, coverage.cameras()[kind])
    for (namespace, name), words in found.items():
        known = (namespace, name) in _OURS
        assert known or words.startswith("ter:ActionNotSupported") or coverage.shared_message(namespace, name)
    if validator.current:
        assert found.keys() >= _OURS, "each operation that we answer is one of a WSDL"


async def test_the_table_in_the_documents_is_what_cameras_say(validator: Validator, shared_data: Path) -> None:
    assert _PAGE.read_text() == await reference.onvif_page(validator), "run: python -m tests.reference"


def test_each_operation_in_the_table_is_one_of_the_code() -> None:
    """What holds without the official WSDLs, too."""
    rows = coverage.rows(_PAGE.read_text())
    assert rows.keys() >= _OURS
    for (namespace, name), cells in rows.items():
        if (namespace, name) not in _OURS and not coverage.shared_message(namespace, name):
            assert all(re.match("`ter:ActionNotSupported", cell) for cell in cells), (namespace, name)


def test_answers_are_the_same_bytes_for_the_same_state(validator: Validator) -> None:
    """From the same camera twice, and from its twin, which remembers no answer."""
    spec = coverage.cameras()["everything"]
    camera, maker, compared = Camera(spec), RequestMaker(validator), 0
    for namespace, names in coverage.operations(validator).items():
        for name in (name for name in names if name.startswith("Get") and maker.knows(namespace, name)):
            prefix = next(prefix for prefix in PATHS if PREFIXES[prefix] == namespace)
            answers = set()
            for one in (camera, camera, Camera(spec)):
                one.results = [_behind(prefix, name)]
                body = document(maker.request(namespace, name)).replace(b"<env:Header/>", _header())
                reply = one.send(body, PATHS[prefix])
                answers.add(reply.body)
            assert len(answers) == 1, name
            compared += reply.ok
    assert compared > 75


def _behind(prefix: str, name: str) -> Any:
    """What the NVR says when that is asked."""
    if name == "GetVideoEncoderConfigurationOptions":
        return ENCODER_OPTIONS
    return NVR_ANSWERS.get(({"tptz": "ptz", "timg": "imaging"}.get(prefix, ""), name))


def _header() -> bytes:
    return f"<env:Header>{username_token()}</env:Header>".encode()
