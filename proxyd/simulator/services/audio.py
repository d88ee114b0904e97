"""The way back for sound (media.wsdl, media2.wsdl): loudspeakers and decoders of the channels that `speakers` names."""

from __future__ import annotations

from proxyd.simulator.layout import SimProfile
from proxyd.simulator.services.context import Answer, Context
from proxyd.simulator.soap import Element, Request, el


def output(context: Context, profile: SimProfile, tag: str) -> Element | None:
    """An AudioOutputConfiguration; None for a channel without a loudspeaker."""
    if profile.channel not in context.faults.speakers:
        return None
    return _output(tag, profile.channel)


def decoder(context: Context, profile: SimProfile, tag: str) -> Element | None:
    """An AudioDecoderConfiguration, as `output`."""
    if profile.channel not in context.faults.speakers:
        return None
    return _decoder(tag, profile.channel)


def _output(tag: str, channel: int) -> Element:
    return el(
        tag,
        el("tt:Name", f"AudioOutput{channel}"),
        el("tt:UseCount", "2"),
        el("tt:OutputToken", f"Speaker{channel}"),
        el("tt:OutputLevel", "50"),
        token=f"AudioOutputConfig{channel}",
    )


def _decoder(tag: str, channel: int) -> Element:
    return el(
        tag, el("tt:Name", f"AudioDecoder{channel}"), el("tt:UseCount", "2"), token=f"AudioDecoderConfig{channel}"
    )


def _get_outputs(context: Context, _: Request) -> Element:
    found = (el("trt:AudioOutputs", token=f"Speaker{n}") for n in sorted(context.faults.speakers))
    return el("trt:GetAudioOutputsResponse", *found)


def _get_decoder_configurations(context: Context, _: Request) -> Element:
    found = (_decoder("trt:Configurations", n) for n in sorted(context.faults.speakers))
    return el("trt:GetAudioDecoderConfigurationsResponse", *found)


MEDIA_AUDIO: dict[str, Answer] = {
    "GetAudioOutputs": _get_outputs,
    "GetAudioDecoderConfigurations": _get_decoder_configurations,
}
