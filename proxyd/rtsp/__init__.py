"""RTSP on both sides of a virtual camera (RFC 2326).

Pure: headers, messages, parser, addresses, sdp, rtcp, session, auth, stats. I/O: client and upstream towards the NVR,
opener in front of them; plane and media_process towards the data plane; connection and server towards recorders;
conversation and playback join them, over streams that are shared.
"""
