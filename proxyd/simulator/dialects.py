"""The six vendors we imitate: one table each, pure data after recorded exchanges and reports of real devices."""

from __future__ import annotations

from proxyd.simulator.dialect import Dialect, DigestStyle, PtzStyle, ServicePaths, Tokens, Uris

# GetVideoSources lists the sources in another order than the profiles; Digest or UsernameToken; a token is verified
# even where none is needed. Every second camera moves.
HIKVISION = Dialect(
    name="hikvision",
    manufacturer="HIKVISION",
    model="DS-7616NI-SIM",
    firmware="V4.61.030 build 230418",
    hardware="88",
    soap_prefix="env",
    server_header="App-webs/",
    paths=ServicePaths(
        device="/onvif/device_service",
        media="/onvif/Media",
        media2="/onvif/Media2",
        events="/onvif/Events",
        subscription="/onvif/Events/PullSubManager_{id}",
        ptz="/onvif/PTZ",
        imaging="/onvif/Imaging",
        analytics="/onvif/Analytics",
    ),
    tokens=Tokens(
        profile="ProfileToken{i:03d}",
        profile_name="Profile_{ch}{s:02d}",
        source="VideoSourceToken{ch:03d}",
        listed_source="VideoSourceToken{ch:03d}",
        source_config="VideoSourceConfigToken{ch:03d}",
        encoder="VideoEncoderToken{i:03d}",
    ),
    uris=Uris(
        rtsp="/Streaming/Channels/{ch}{s:02d}?transportmode=unicast&profile={token}",
        snapshot="/onvif-http/snapshot?{token}",
    ),
    auth=("wsse", "digest"),
    digest=DigestStyle("IP Camera(SIM88)"),
    refusal_reason="The action requested requires authorization and the sender is not authorized",
    checks_open=True,
    sources_reversed=True,
    rtsp_server="App-webs/",
    rtsp_control="absolute",
    ptz=PtzStyle(first=2, every=2, fov=True),
)

# Tokens are channel and stream in fives; Uri texts come with white space; RTSP Digest without qop.
DAHUA = Dialect(
    name="dahua",
    manufacturer="Dahua",
    model="DHI-NVR5216-SIM",
    firmware="4.001.0000006.1.R,2022-11-09",
    hardware="1.00",
    soap_prefix="s",
    server_header="",
    paths=ServicePaths(
        device="/onvif/device_service",
        media="/onvif/media_service",
        media2="/onvif/media2_service",
        events="/onvif/event_service",
        subscription="/onvif/event_service/{id}",
        ptz="/onvif/ptz_service",
        imaging="/onvif/imaging_service",
    ),
    tokens=Tokens(
        profile="MediaProfile{ch0:03d}{s0:02d}",
        profile_name="MediaProfile_Channel{ch}_{Stream}",
        source="{ch0:03d}00",
        listed_source="{ch0:03d}00",
        source_config="VideoSourceConfig{ch0:03d}",
        encoder="VideoEncoder{ch0:03d}{s0:02d}",
    ),
    uris=Uris(
        rtsp="/cam/realmonitor?channel={ch}&subtype={s0}&unicast=true&proto=Onvif",
        snapshot="/onvifsnapshot/media_service/snapshot?channel={ch}&subtype={s0}",
        rtsp_keys=("channel", "subtype"),
        snapshot_keys=("channel", "subtype"),
        white_space=True,
    ),
    auth=("wsse", "digest"),
    digest=DigestStyle("Login to SIM5216"),
    checks_open=True,
    offline="empty encoder",
    rtsp_server="Rtsp Server/3.0",
    rtsp_control="relative",
    ptz=PtzStyle(first=1, every=3, obeys_timeout=False, move_status=False, main_only=True),
)

# Main streams are H.265 and Media1 says so although its enumeration has no such value; the sources that profiles
# refer to are named differently from those that GetVideoSources lists.
UNIVIEW = Dialect(
    name="uniview",
    manufacturer="UNIVIEW",
    model="NVR302-16S-SIM",
    firmware="NVR-B3801.38.35.230808",
    hardware="A",
    soap_prefix="SOAP-ENV",
    server_header="",
    paths=ServicePaths(
        device="/onvif/device_service",
        media="/onvif/media_service",
        media2="/onvif/media2_service",
        events="/onvif/event_service",
        subscription="/onvif/subscription_service_{id}",
    ),
    tokens=Tokens(
        profile="media_profile{i}",
        profile_name="media_profile{i}",
        source="video_source_{ch}",
        listed_source="VideoSource_{ch}",
        source_config="video_source_config{ch}",
        encoder="video_encoder_config{i}",
    ),
    uris=Uris(
        rtsp="/unicast/c{ch}/s{s0}/live",
        snapshot="/LAPI/V1.0/Channels/{ch}/Media/Video/Streams/{s0}/Snapshot",
    ),
    auth=("wsse",),
    digest=DigestStyle("NVR302-SIM"),
    main_codec="H265",
    offline="empty encoder",
    rtsp_server="UNV-RTSP",
    rtsp_control="track",
)

# ONVIF on its own port 8000, the web server with the snapshots on another one; gSOAP's answers.
REOLINK = Dialect(
    name="reolink",
    manufacturer="Reolink",
    model="RLN16-410-SIM",
    firmware="v3.3.0.226_23031644",
    hardware="H3MB18",
    soap_prefix="SOAP-ENV",
    server_header="gSOAP/2.8",
    paths=ServicePaths(
        device="/onvif/device_service",
        media="/onvif/media_service",
        media2="/onvif/Media2",
        events="/onvif/event_service",
        subscription="/onvif/PullSubManager?Idx={id}",
    ),
    tokens=Tokens(
        profile="{i0:03d}",
        profile_name="Channel{ch:02d}_{stream}Stream",
        source="{ch0:03d}",
        listed_source="{ch0:03d}",
        source_config="{ch0:03d}",
        encoder="{i0:03d}",
    ),
    uris=Uris(
        rtsp="/{codec}Preview_{ch:02d}_{stream}",
        snapshot="/cgi-bin/api.cgi?cmd=Snap&channel={ch0}",
        snapshot_keys=("cmd", "channel"),
        web_port=True,
    ),
    auth=("wsse",),
    digest=DigestStyle("BC Streaming Media"),
    refusal_status=401,
    max_pull_points=2,
    rtsp_server="LIVE555",
    rtsp_control="track",
)

# One camera with several sensors: everything behind one path, HTTP Digest and nothing else, SHA-256 offered.
AXIS = Dialect(
    name="axis",
    manufacturer="AXIS",
    model="P3719-PLE-SIM",
    firmware="10.12.182",
    hardware="7A3.1",
    soap_prefix="SOAP-ENV",
    server_header="Apache",
    paths=ServicePaths(
        device="/onvif/services",
        media="/onvif/services",
        media2="/onvif/services",
        events="/onvif/services",
        subscription="/onvif/services/{id}",
    ),
    tokens=Tokens(
        profile="profile_{ch}_{codec}_{stream}",
        profile_name="profile_{ch} {codec} {stream}",
        source="{ch0}",
        listed_source="{ch0}",
        source_config="user{ch0}",
        encoder="default_{i}_{codec}",
    ),
    uris=Uris(
        rtsp="/onvif-media/media.amp?profile={token}&sessiontimeout=60&streamtype=unicast",
        snapshot="/onvif-cgi/jpg/image.cgi?resolution={width}x{height}&compression=30&camera={ch}",
        rtsp_keys=("profile",),
        snapshot_keys=("camera", "resolution"),
    ),
    auth=("digest",),
    digest=DigestStyle("AXIS_SIM3719", algorithms=("SHA-256", "MD5")),
    refusal_status=401,
    rtsp_server="GStreamer RTSP server",
    rtsp_control="stream",
)

# A nameless device on the gSOAP toolkit: each stream is a source of its own, main streams first; no Media2; Uri texts
# are escaped twice and the snapshot's is relative.
GSOAP = Dialect(
    name="gsoap",
    manufacturer="GSOAP",
    model="NVR-16-SIM",
    firmware="1.3.2.7",
    hardware="1.0",
    soap_prefix="SOAP-ENV",
    server_header="gSOAP/2.8",
    paths=ServicePaths(
        device="/onvif/device_service",
        media="/onvif/media_service",
        media2=None,
        events="/onvif/event_service",
        subscription="/onvif/event_service?sub={id}",
    ),
    tokens=Tokens(
        profile="Profile{i}",
        profile_name="CH{ch:02d}-{Stream}",
        source="VideoSource{i}",
        listed_source="VideoSource{i}",
        source_config="VideoSourceConfig{i}",
        encoder="VideoEncoder{i}",
    ),
    uris=Uris(
        rtsp="/rtsp/streaming?channel={ch}&subtype={s0}",
        snapshot="/onvif/snapshot?channel={ch}&subtype={s0}",
        rtsp_keys=("channel", "subtype"),
        snapshot_keys=("channel", "subtype"),
        double_escaped=True,
        relative_snapshot=True,
    ),
    auth=("wsse",),
    digest=DigestStyle("gSOAP Web Service"),
    source_per_stream=True,
    profiles_by_stream=True,
    rtsp_server="RTSP Server",
    rtsp_control="relative",
)

DIALECTS: dict[str, Dialect] = {d.name: d for d in (HIKVISION, DAHUA, UNIVIEW, REOLINK, AXIS, GSOAP)}
