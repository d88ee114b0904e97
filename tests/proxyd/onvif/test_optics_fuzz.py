"""PTZ and imaging against requests and NVR answers of any shape: an answer or a fault that is valid, never a crash."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxyd.onvif.services import imaging, ptz

from .builders import Camera
from .optics import moving_camera
from .schemas import Validator

_OPERATIONS = [
    *(f"tptz:{name}" for _, name in ptz.SERVICE.operations),
    *(f"timg:{name}" for _, name in imaging.SERVICE.operations),
]
_TAGS = [
    *("tptz:ProfileToken", "tptz:Velocity", "tptz:Translation", "tptz:Position", "tptz:Speed", "tptz:Timeout"),
    *("tptz:PanTilt", "tptz:Zoom", "tptz:PresetToken", "tptz:PresetName", "tptz:AuxiliaryData", "tptz:NodeToken"),
    *("tt:PanTilt", "tt:Zoom", "tt:Brightness", "tt:WideDynamicRange", "tt:Mode", "tt:Level", "tt:Continuous"),
    *("tt:Speed", "tt:Absolute", "timg:VideoSourceToken", "timg:ImagingSettings", "timg:Focus", "tt:IrCutFilter"),
    *("tptz:ConfigurationToken", "tptz:PTZConfigurationToken", "timg:ForcePersistence"),
]
_TEXTS = st.sampled_from(
    ["", "main", "sub", "video_source", "ptz_node", "ptz_config", "0", "1", "-1", "1e999", "nan", "PT5S", "P1Y", "AUTO"]
    + ["ON", "true", "tt:Wiper|On"]
) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=9
)


def _element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    attributes = st.dictionaries(st.sampled_from(["x", "y", "space"]), _TEXTS, max_size=3)

    def made(tag: str, values: dict[str, str], content: str) -> str:
        named = "".join(f' {name}="{escape(value, {chr(34): "&quot;"})}"' for name, value in values.items())
        return f"<{tag}{named}>{content}</{tag}>"

    return st.builds(made, st.sampled_from(_TAGS), attributes, inner)


_content = st.recursive(
    _TEXTS.map(escape), lambda inner: st.lists(_element(inner), max_size=4).map("".join), max_leaves=8
)
_first = st.sampled_from(
    [
        "<tptz:ProfileToken>main</tptz:ProfileToken>",
        "<timg:VideoSourceToken>video_source</timg:VideoSourceToken>",
        "",
    ]
)
_answers: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "token",
                    "Name",
                    "PTZPosition",
                    "Position",
                    "PanTilt",
                    "Zoom",
                    "x",
                    "y",
                    "space",
                    "MoveStatus",
                    "Brightness",
                ]
                + ["WideDynamicRange", "Mode", "Level", "FocusStatus20"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(_OPERATIONS), _first, _content, st.lists(_answers, max_size=2))
def test_nothing_breaks(validator: Validator, operation: str, first: str, content: str, answers: list[Any]) -> None:
    camera = Camera(moving_camera())
    camera.results = answers
    reply = camera.ask(operation, first + content)
    assert reply.status in (200, 400)
    validator.body(reply.body)
    assert b"Nvr" not in reply.body
