"""What a recorder learns of the NVR's refusals: the name that ONVIF has for it, and nothing else."""

from __future__ import annotations

import pytest

from proxyd.errors import UpstreamProtocolError
from proxyd.nvr.refusals import SoapFault as NvrFault
from proxyd.onvif.nvr_faults import told_fault


def refused(*codes: str) -> UpstreamProtocolError:
    error = UpstreamProtocolError("192.0.2.9 refused it: secret words")
    error.__cause__ = NvrFault(status=400, codes=codes, reason="secret words of 192.0.2.9")
    return error


@pytest.mark.parametrize(
    ("codes", "subcodes"),
    [
        (("Sender", "InvalidArgVal", "NoHomePosition"), ("ter:InvalidArgVal", "ter:NoHomePosition")),
        (("Receiver", "Action", "TooManyPresets"), ("ter:Action", "ter:TooManyPresets")),
        (("Receiver", "TooManyPresets"), ("ter:Action", "ter:TooManyPresets")),
    ],
)
def test_reasons_that_onvif_names_are_passed_on(codes: tuple[str, ...], subcodes: tuple[str, ...]) -> None:
    fault = told_fault(refused(*codes))
    assert fault is not None
    assert fault.subcodes == subcodes
    assert b"192.0.2.9" not in fault.to_bytes()
    assert b"secret" not in fault.to_bytes()


def test_others_are_not() -> None:
    assert told_fault(refused("Receiver", "Action", "VendorSpecific")) is None
    assert told_fault(refused()) is None
    assert told_fault(UpstreamProtocolError("no answer")) is None
