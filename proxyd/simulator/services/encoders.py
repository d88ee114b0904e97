"""Setting the encoders of the simulated device: rates can be set, size and codec are what its stored loops have.

Media and Media2 say the same in different places; both are here so that they agree on what is possible.
"""

from __future__ import annotations

from lxml import etree

from proxyd.simulator.layout import SimProfile
from proxyd.simulator.services.context import Answer, Context
from proxyd.simulator.soap import Element, Fault, Request, el, text_of

FPS = (1, 30)
KBPS = (32, 16384)
GOV = (1, 250)


def _by_encoder(context: Context, token: str | None, *, media1: bool) -> SimProfile:
    for profile in context.layout.profiles:
        if profile.encoder == token and profile.online and (profile.media1 or not media1):
            return profile
    raise Fault("Sender", ("ter:InvalidArgVal", "ter:NoConfig"), "The requested configuration does not exist")


def _asked(context: Context, request: Request, *, media1: bool) -> SimProfile:
    """By ConfigurationToken or ProfileToken."""
    if (profile := context.layout.profile(text_of(request, "tt:ProfileToken") or "")) is not None:
        return _by_encoder(context, profile.encoder, media1=media1)
    return _by_encoder(context, text_of(request, "tt:ConfigurationToken"), media1=media1)


def _set(context: Context, request: Request, *, media1: bool) -> None:
    wanted = next((child for child in request.body if etree.QName(child).localname == "Configuration"), None)
    if wanted is None:
        raise Fault("Sender", ("ter:InvalidArgVal", "ter:InvalidArgs"), "Configuration is missing")
    profile = _by_encoder(context, wanted.get("token"), media1=media1)
    media = profile.media
    fixed = {
        "Encoding": media.codec,
        "Resolution/{*}Width": str(media.width),
        "Resolution/{*}Height": str(media.height),
    }
    if any(wanted.findtext(f"{{*}}{path}") != value for path, value in fixed.items()):
        raise _not_possible()
    try:
        fps = float(wanted.findtext("{*}RateControl/{*}FrameRateLimit") or "")
        kbps = int(wanted.findtext("{*}RateControl/{*}BitrateLimit") or "")
    except ValueError:
        raise _not_possible() from None
    if not (FPS[0] <= fps <= FPS[1] and KBPS[0] <= kbps <= KBPS[1]):
        raise _not_possible()
    context.optics.rates[profile.encoder] = (round(fps), kbps)


def _not_possible() -> Fault:
    return Fault("Sender", ("ter:InvalidArgVal", "ter:ConfigModify"), "The configuration parameters are not possible")


def _span(name: str, span: tuple[int, int]) -> Element:
    return el(name, el("tt:Min", str(span[0])), el("tt:Max", str(span[1])))


def _size(profile: SimProfile) -> Element:
    size = (el("tt:Width", str(profile.media.width)), el("tt:Height", str(profile.media.height)))
    return el("tt:ResolutionsAvailable", *size)


def _media_options(context: Context, request: Request) -> Element:
    profile = _asked(context, request, media1=True)

    def codec(with_bitrate: bool) -> Element:
        return el(
            f"tt:{profile.media.codec}",
            _size(profile),
            _span("tt:GovLengthRange", GOV),
            _span("tt:FrameRateRange", FPS),
            _span("tt:EncodingIntervalRange", (1, 1)),
            el("tt:H264ProfilesSupported", "Main"),
            _span("tt:BitrateRange", KBPS) if with_bitrate else None,
        )

    options = el("trt:Options", _span("tt:QualityRange", (1, 6)), codec(False), el("tt:Extension", codec(True)))
    return el("trt:GetVideoEncoderConfigurationOptionsResponse", options)


def _media_set(context: Context, request: Request) -> Element:
    _set(context, request, media1=True)
    return el("trt:SetVideoEncoderConfigurationResponse")


def _media2_options(context: Context, request: Request) -> Element:
    profile = _asked(context, request, media1=False)
    options = el(
        "tr2:Options",
        el("tt:Encoding", profile.media.codec),
        _span("tt:QualityRange", (1, 6)),
        _size(profile),
        _span("tt:BitrateRange", KBPS),
        GovLengthRange=f"{GOV[0]} {GOV[1]}",
        FrameRatesSupported=" ".join(str(rate) for rate in (1, 5, 10, 15, 25, 30)),
        ProfilesSupported="Main",
    )
    return el("tr2:GetVideoEncoderConfigurationOptionsResponse", options)


def _media2_set(context: Context, request: Request) -> Element:
    _set(context, request, media1=False)
    return el("tr2:SetVideoEncoderConfigurationResponse")


def by_encoder_token(context: Context, request: Request) -> SimProfile:
    """For Media's GetVideoEncoderConfiguration."""
    return _by_encoder(context, text_of(request, "trt:ConfigurationToken"), media1=True)


MEDIA_ENCODERS: dict[str, Answer] = {
    "GetVideoEncoderConfigurationOptions": _media_options,
    "SetVideoEncoderConfiguration": _media_set,
}
MEDIA2_ENCODERS: dict[str, Answer] = {
    "GetVideoEncoderConfigurationOptions": _media2_options,
    "SetVideoEncoderConfiguration": _media2_set,
}
