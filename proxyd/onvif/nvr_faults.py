"""Refusals of the NVR that a recorder may read: those which ONVIF itself names. Pure.

Only the name is taken over, never the NVR's words: they may hold anything (contract 2).
"""

from __future__ import annotations

from proxyd.errors import UpstreamError

from .faults import SoapFault, invalid_value

# Name of the specification → what it means, by who is to blame (PTZ and Imaging Service Specifications).
_WRONG_ARGUMENT = {
    "InvalidPosition": "The camera cannot reach that position",
    "InvalidPresetName": "The camera does not take that name for a preset",
    "InvalidSpeed": "The camera cannot move at that speed",
    "InvalidTranslation": "The camera cannot move that far",
    "InvalidVelocity": "The camera cannot move at that speed",
    "NoHomePosition": "No home position was set for this camera",
    "PresetExist": "Another preset has that name",
    "SettingsInvalid": "The camera does not take these settings",
    "SpaceNotSupported": "The camera does not know that space",
    "TimeoutNotSupported": "The camera does not take that timeout",
}
_NOT_NOW = {
    "CannotOverwriteHome": "The home position of this camera cannot be changed",
    "MovingPTZ": "This cannot be done while the camera moves",
    "NoStatus": "The camera does not say where it looks",
    "TooManyPresets": "The camera cannot keep more presets",
}


def told_fault(error: UpstreamError) -> SoapFault | None:
    """The fault for the recorder; None when the NVR gave no reason that ONVIF knows."""
    codes: object = getattr(error.__cause__, "codes", ())
    for code in codes if isinstance(codes, tuple) else ():
        if code in _WRONG_ARGUMENT:
            return invalid_value(_WRONG_ARGUMENT[code], f"ter:{code}")
        if code in _NOT_NOW:
            return SoapFault("Receiver", _NOT_NOW[code], "ter:Action", f"ter:{code}")
    return None
