"""The picture settings that we pass on: names, order and values of the schema (tt:ImagingSettings20). Pure.

A setting is called by its path, "Brightness" or "WideDynamicRange/Level". Everything else that a device may have
(windows, vendors' extensions) is not passed on.
"""

from __future__ import annotations

# Parents in the order of the schema, each with its children; () for a setting that is a plain value.
SETTINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("BacklightCompensation", ("Mode", "Level")),
    ("Brightness", ()),
    ("ColorSaturation", ()),
    ("Contrast", ()),
    (
        "Exposure",
        (
            "Mode",
            "Priority",
            "MinExposureTime",
            "MaxExposureTime",
            "MinGain",
            "MaxGain",
            "MinIris",
            "MaxIris",
            "ExposureTime",
            "Gain",
            "Iris",
        ),
    ),
    ("Focus", ("AutoFocusMode", "DefaultSpeed", "NearLimit", "FarLimit")),
    ("IrCutFilter", ()),
    ("Sharpness", ()),
    ("WideDynamicRange", ("Mode", "Level")),
    ("WhiteBalance", ("Mode", "CrGain", "CbGain")),
)
MODES: dict[str, tuple[str, ...]] = {
    "BacklightCompensation/Mode": ("OFF", "ON"),
    "Exposure/Mode": ("AUTO", "MANUAL"),
    "Exposure/Priority": ("LowNoise", "FrameRate"),
    "Focus/AutoFocusMode": ("AUTO", "MANUAL"),
    "IrCutFilter": ("ON", "OFF", "AUTO"),
    "WideDynamicRange/Mode": ("OFF", "ON"),
    "WhiteBalance/Mode": ("AUTO", "MANUAL"),
}
PATHS = tuple(f"{parent}/{child}" if child else parent for parent, children in SETTINGS for child in children or ("",))
# tt:ImagingOptions20 calls a few by other names.
_OPTION_NAMES = {
    "Focus/AutoFocusMode": "Focus/AutoFocusModes",
    "IrCutFilter": "IrCutFilterModes",
    "WhiteBalance/CrGain": "WhiteBalance/YrGain",
    "WhiteBalance/CbGain": "WhiteBalance/YbGain",
}
# Kinds of focus moves in the order of the schema, with the element that holds the value.
FOCUS_MOVES: tuple[tuple[str, str], ...] = (("Absolute", "Position"), ("Relative", "Distance"), ("Continuous", "Speed"))


def option_path(path: str) -> str:
    """Where the options say what `path` may be."""
    return _OPTION_NAMES.get(path, path)
