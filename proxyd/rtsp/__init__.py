"""RTSP on both sides of a virtual camera (RFC 2326).

Pure: headers, messages, parser, addresses, sdp, rtcp, session, auth, relay. I/O: client and upstream towards the NVR,
opener in front of them, sinks, connection and server towards recorders; conversation and playback join both.
"""
