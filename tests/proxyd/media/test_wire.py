"""What the daemon and a media process say to each other arrives as it was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.media import wire

pair = st.tuples(st.integers(0, 255), st.integers(0, 255))
numbers = st.integers(0, 2**40)
tracks = st.lists(st.builds(wire.Track, channels=pair), max_size=4).map(tuple)
legs = st.lists(st.builds(wire.Leg, channels=pair), max_size=4).map(tuple)
feeds = st.lists(
    st.builds(wire.FeedStats, highest=st.lists(pair, max_size=3).map(tuple), jitter_ms=st.floats(0, 1e6)), max_size=9
).map(tuple)
outlets = st.lists(st.builds(wire.OutletStats, bytes=numbers), max_size=9).map(tuple)
commands = st.one_of(
    st.builds(wire.OpenFeed, tracks=tracks),
    st.builds(wire.CloseFeed),
    st.builds(wire.OpenOutlet, legs=legs),
    st.builds(wire.WriteOutlet),
    st.builds(wire.StartOutlet),
    st.builds(wire.StopOutlet),
    st.builds(wire.EndOutlet),
)
events = st.one_of(
    st.builds(wire.FeedMessage),
    st.builds(wire.FeedLost),
    st.builds(wire.OutletEnded),
    st.builds(wire.ParameterSet),
    st.builds(wire.Stats, feeds=feeds, outlets=outlets),
    st.builds(wire.Ready),
)


@given(commands)
def test_commands(command: wire.Command) -> None:
    assert wire.decode_command(wire.encode(command)) == command


@given(events)
def test_events(event: wire.Event) -> None:
    assert wire.decode_event(wire.encode(event)) == event


def test_what_is_no_message() -> None:
    for packet in (b"", b"{}", b'{"is":"Other"}\0', b'{"is":"Ready","other":1}\0'):
        with pytest.raises(ValueError):
            wire.decode_event(packet)
    with pytest.raises(ValueError, match="too large"):
        wire.encode(wire.FeedMessage(1, bytes(wire.MAX_PACKET_BYTES)))
