"""What a channel can do beyond its picture, as the scan found it: frozen, comparable, pure.

`ChannelTokens` is what the NVR calls things. Recorders never see that (contract 2): services translate both ways.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from .events import TopicSpec


@dataclass(frozen=True, slots=True)
class Span:
    """A range of numbers, ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PtzSpace:
    """One coordinate space of a PTZ node (PTZ Service Specification section 5.8). `y` is None for zoom and speed. The
    first of its kind is the one meant by requests that name none."""

    uri: str
    x: Span
    y: Span | None = None


MAX_PRESETS = 512  # of one camera that recorders are told: an answer of 124 kB


@dataclass(frozen=True, slots=True)
class PtzFeatures:
    """The node behind a channel. Spaces by what they are for; an empty tuple: that move is not possible."""

    absolute_pan_tilt: tuple[PtzSpace, ...] = ()
    absolute_zoom: tuple[PtzSpace, ...] = ()
    relative_pan_tilt: tuple[PtzSpace, ...] = ()
    relative_zoom: tuple[PtzSpace, ...] = ()
    continuous_pan_tilt: tuple[PtzSpace, ...] = ()
    continuous_zoom: tuple[PtzSpace, ...] = ()
    pan_tilt_speed: tuple[PtzSpace, ...] = ()
    zoom_speed: tuple[PtzSpace, ...] = ()
    timeout_s: Span = Span(1.0, 60.0)
    presets: int = 0  # how many can be stored, MAX_PRESETS at most; 0: none
    home: bool = False
    move_status: bool = False
    auxiliary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImagingFeatures:
    """Settings of the picture that the NVR lets one read (Imaging Service Specification section 5.1): the numeric
    ones by their path in the schema ("Brightness", "WideDynamicRange/Level"; camera/imaging.py), the choices as lists;
    `focus_move` by kind, and by kind with "/Speed"."""

    levels: tuple[tuple[str, Span], ...] = ()
    modes: tuple[tuple[str, tuple[str, ...]], ...] = ()  # ("IrCutFilter", ("ON", "OFF", "AUTO"))
    focus_move: tuple[tuple[str, Span], ...] = ()  # ("Continuous", speeds), ("Absolute/Speed", speeds), …


@dataclass(frozen=True, slots=True)
class AnalyticsItem:
    """A rule or an analytics module as the NVR has it, read only. `type` is a QName text such as
    "tt:CellMotionDetector"; `namespace` that of a vendor's own type, whose text has no prefix; `parameters` its simple
    items."""

    name: str
    type: str
    parameters: tuple[tuple[str, str], ...] = ()
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class MetadataFeatures:
    """What the NVR puts into its metadata stream besides events: objects, and of a movable camera whether it moves and
    where it looks."""

    analytics: bool = False
    ptz_status: bool = False
    ptz_position: bool = False


@dataclass(frozen=True, slots=True)
class ChannelTokens:
    """The NVR's names for this channel: for calls to it, and to know its events by."""

    video_source: str = ""  # token of the physical source (Imaging)
    source_token: str = ""  # VideoSourceConfiguration.SourceToken, mostly the same
    sources: tuple[str, ...] = ()  # every SourceToken of its profiles: some devices make each stream a source
    source_configurations: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()  # main first
    encoders: tuple[str, ...] = ()
    ptz_profile: str = ""  # the profile that has the PTZ configuration
    ptz_node: str = ""
    ptz_configuration: str = ""
    analytics: str = ""  # video analytics configuration
    audio_source: str = ""
    audio_configuration: str = ""  # of the audio source
    audio_output: str = ""

    def __repr__(self) -> str:
        return "ChannelTokens(…)"

    def all(self) -> frozenset[str]:
        """Every one of them: what no recorder may read anywhere (contract 2)."""
        told = (getattr(self, one.name) for one in fields(self))
        return frozenset(name for one in told for name in ((one,) if isinstance(one, str) else one) if name)


@dataclass(frozen=True, slots=True)
class ChannelFeatures:
    """None and empty mean: the NVR has it not, so no recorder is told of it."""

    tokens: ChannelTokens = field(default_factory=ChannelTokens, repr=False)
    ptz: PtzFeatures | None = None
    imaging: ImagingFeatures | None = None
    topics: tuple[TopicSpec, ...] = ()  # of events that can be told apart by channel, in our own words
    rules: tuple[AnalyticsItem, ...] = ()
    modules: tuple[AnalyticsItem, ...] = ()
    analytics_read: bool = False  # the NVR listed rules and modules, be it none: what is not there any more, is gone
    metadata: MetadataFeatures | None = None  # its metadata stream
    speaker: bool = False  # the NVR takes sound for this channel


NO_FEATURES = ChannelFeatures()


def with_kept(new: ChannelFeatures, old: ChannelFeatures) -> ChannelFeatures:
    """`new` with what an NVR did not tell this time (slow, busy) about the same camera as before: a rescan takes
    nothing away that recorders use."""
    same_ptz = bool(new.tokens.ptz_configuration) and new.tokens.ptz_configuration == old.tokens.ptz_configuration
    same_source = new.tokens.video_source == old.tokens.video_source
    silent = not new.analytics_read and not new.rules and not new.modules
    keeps_rules = silent and bool(new.tokens.analytics) and new.tokens.analytics == old.tokens.analytics
    return replace(
        new,
        ptz=new.ptz or (old.ptz if same_ptz else None),
        imaging=new.imaging or (old.imaging if same_source else None),
        topics=new.topics or (old.topics if same_source else ()),
        rules=old.rules if keeps_rules else new.rules,
        modules=old.modules if keeps_rules else new.modules,
    )
