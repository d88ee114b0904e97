"""A camera that moves and whose picture can be set, as a scan of an NVR found it."""

from __future__ import annotations

from proxyd.camera.features import ChannelFeatures, ChannelTokens, ImagingFeatures, PtzFeatures, PtzSpace, Span
from proxyd.camera.spec import CameraSpec

from .builders import camera_spec

PAN_TILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces/"
FOV = PAN_TILT + "TranslationSpaceFov"
ONE = Span(-1.0, 1.0)
UP = Span(0.0, 1.0)
PTZ = PtzFeatures(
    absolute_pan_tilt=(PtzSpace(PAN_TILT + "PositionGenericSpace", ONE, ONE),),
    absolute_zoom=(PtzSpace(ZOOM + "PositionGenericSpace", UP),),
    relative_pan_tilt=(PtzSpace(PAN_TILT + "TranslationGenericSpace", ONE, ONE), PtzSpace(FOV, ONE, ONE)),
    relative_zoom=(PtzSpace(ZOOM + "TranslationGenericSpace", ONE),),
    continuous_pan_tilt=(PtzSpace(PAN_TILT + "VelocityGenericSpace", ONE, ONE),),
    continuous_zoom=(PtzSpace(ZOOM + "VelocityGenericSpace", ONE),),
    pan_tilt_speed=(PtzSpace(PAN_TILT + "GenericSpeedSpace", UP),),
    zoom_speed=(PtzSpace(ZOOM + "ZoomGenericSpeedSpace", UP),),
    timeout_s=Span(1.0, 60.0),
    presets=8,
    home=True,
    move_status=True,
    auxiliary=("tt:Wiper|On",),
)
IMAGING = ImagingFeatures(
    levels=(("Brightness", Span(0, 100)), ("Contrast", Span(0, 100)), ("WideDynamicRange/Level", Span(0, 100))),
    modes=(
        ("Exposure/Mode", ("AUTO", "MANUAL")),
        ("Focus/AutoFocusMode", ("AUTO", "MANUAL")),
        ("IrCutFilter", ("ON", "OFF", "AUTO")),
        ("WideDynamicRange/Mode", ("OFF", "ON")),
    ),
    focus_move=(("Absolute", UP), ("Absolute/Speed", UP), ("Relative", ONE), ("Continuous", ONE)),
)
TOKENS = ChannelTokens(video_source="NvrSource7", ptz_profile="NvrProfile7", ptz_node="N7", ptz_configuration="C7")


def moving_camera(
    ptz: PtzFeatures | None = PTZ, imaging: ImagingFeatures | None = IMAGING, **changes: object
) -> CameraSpec:
    return camera_spec(features=ChannelFeatures(TOKENS, ptz=ptz, imaging=imaging), **changes)
