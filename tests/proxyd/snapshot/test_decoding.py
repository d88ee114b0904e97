"""The process that decodes key frames, a real one each: what it makes, and that nothing sent to it hurts the daemon."""

from __future__ import annotations

import asyncio
import io
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from proxyd.simulator.frames import join_annexb
from proxyd.simulator.loops import load_loop
from proxyd.simulator.streams import SimCodec, stream_for
from proxyd.snapshot.decoder import ANSWER, QUESTION
from proxyd.snapshot.decoding import Decoder, NotDecoded
from proxyd.snapshot.key_frame import KeyFrame
from tests.proxyd.rtsp.cameras import DEADLINE_S

from .looked_at import shows_channel


def key_frame(codec: SimCodec = "H264") -> KeyFrame:
    loop = load_loop(stream_for(3, "main", codec))
    return KeyFrame(codec, join_annexb([*loop.parameter_sets, *whole(codec, loop.frames[0].slices)]))


def whole(codec: SimCodec, payloads: tuple[bytes, ...]) -> list[bytes]:
    """Of fragments of one slice."""
    if len(payloads) == 1:
        return list(payloads)
    first = payloads[0]
    if codec == "H264":
        return [bytes([first[0] & 0xE0 | first[1] & 0x1F]) + b"".join(one[2:] for one in payloads)]
    return [bytes([first[0] & 0x81 | (first[2] & 0x3F) << 1, first[1]]) + b"".join(one[3:] for one in payloads)]


@pytest_asyncio.fixture
async def decoder() -> AsyncIterator[Decoder]:
    decoder = Decoder()
    yield decoder
    await decoder.close()


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("codec", ["H264", "H265"])
@pytest.mark.parametrize("size", [None, (640, 360), (1920, 1080)])
async def test_it_makes_a_picture_in_the_size_that_is_wanted(
    decoder: Decoder, codec: SimCodec, size: tuple[int, int] | None
) -> None:
    picture = await decoder.jpeg(key_frame(codec), size)
    image = Image.open(io.BytesIO(picture))
    assert image.format == "JPEG" and image.size == (size or (1280, 720))
    if size is None:
        assert shows_channel(picture, (1280, 720), "main 1280x720")


async def test_it_is_kept_for_a_while_and_then_ends() -> None:
    decoder = Decoder(idle_s=0.2)
    assert decoder.pid == 0
    await decoder.jpeg(key_frame(), None)
    pid = decoder.pid
    await decoder.jpeg(key_frame(), None)
    assert decoder.pid == pid
    await until_gone(pid)
    assert decoder.pid == 0
    await decoder.jpeg(key_frame(), None)
    last = decoder.pid
    await decoder.close()
    await until_gone(last)
    with pytest.raises(NotDecoded):
        await decoder.jpeg(key_frame(), None)


async def test_it_has_no_more_than_it_needs(decoder: Decoder) -> None:
    await decoder.jpeg(key_frame(), None)
    limits = Path(f"/proc/{decoder.pid}/limits").read_text()
    for name, most in (("Max address space", 1 << 30), ("Max open files", 16), ("Max processes", 0)):
        line = next(line for line in limits.splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[:2] == [str(most), str(most)]
    status = Path(f"/proc/{decoder.pid}/status").read_text()
    assert "\nThreads:\t1\n" in status
    environment = Path(f"/proc/{decoder.pid}/environ").read_bytes().split(b"\0")
    assert {one.partition(b"=")[0] for one in environment if one} <= {
        b"PATH", b"LANG", b"LC_ALL", b"PYTHONPATH", b"PYTHONDONTWRITEBYTECODE",
    }  # fmt: skip
    for descriptor in Path(f"/proc/{decoder.pid}/fd").iterdir():
        target = str(descriptor.readlink())
        assert target == "/dev/null" or target.startswith(("pipe:", "socket:")), "no file, no connection"


def test_it_needs_no_rights_and_no_threads() -> None:
    """Of root the kernel does not count processes and threads. What is read late is read before the rights go."""
    frame = key_frame()
    question = QUESTION.pack(b"H264", 320, 180, len(frame.data)) + frame.data
    program = (
        "import os; from PIL import Image; from proxyd.snapshot import decoder; Image.init(); import av.video.frame\n"
        "os.geteuid() or os.setresuid(65534, 65534, 65534)\n"
        "decoder.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], input=question, capture_output=True, check=True, timeout=60)
    ok, size = ANSWER.unpack(done.stdout[: ANSWER.size])
    assert ok, done.stdout
    assert Image.open(io.BytesIO(done.stdout[ANSWER.size :])).size == (320, 180) and size > 1000


async def test_hostile_bytes_are_refused_and_it_goes_on(decoder: Decoder) -> None:
    generator, good = random.Random(11), key_frame().data
    refused = 0
    for number in range(60):
        data = bytearray(good)
        for _ in range(1 + number % 8):
            at = generator.randrange(len(data))
            data[at : at + generator.choice((1, 40))] = generator.randbytes(generator.choice((1, 60)))
        for codec, bad in (("H264", bytes(data)), ("H265", bytes(data)), ("H265", generator.randbytes(5000))):
            try:
                picture = await decoder.jpeg(KeyFrame("H264" if codec == "H264" else "H265", bad), None)
            except NotDecoded:
                refused += 1
            else:
                assert Image.open(io.BytesIO(picture)).format == "JPEG"  # with errors that nobody can know of
    assert refused >= 60
    assert await decoder.jpeg(key_frame(), None)


async def test_a_picture_of_gigabytes_is_refused(decoder: Decoder) -> None:
    """A parameter set that says 16368×16368 (baseline, level 6.2), before a slice."""
    bits = "1" + "1" + "1" + "011" + "010" + "0" + ue(1022) + ue(1022) + "1" + "1" + "0" + "0" + "1"
    sps = b"\x67\x42\xc0\x3e" + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    frame = KeyFrame("H264", join_annexb([sps, b"\x68\xce\x38\x80", b"\x65\x88\x84" + bytes(range(1, 200))]))
    with pytest.raises(NotDecoded, match="no picture could be made"):
        await decoder.jpeg(frame, None)
    assert await decoder.jpeg(key_frame(), None)


def ue(number: int) -> str:
    return "0" * ((number + 1).bit_length() - 1) + f"{number + 1:b}"


async def test_one_that_dies_or_hangs_is_replaced() -> None:
    decoder = Decoder(picture_s=1.0)
    await decoder.jpeg(key_frame(), None)
    first = decoder.pid
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(NotDecoded, match="within 1 s"):
        await decoder.jpeg(key_frame(), None)
    await until_gone(first)
    await decoder.jpeg(key_frame(), None)
    second = decoder.pid
    os.kill(second, signal.SIGSTOP)
    asking = asyncio.create_task(decoder.jpeg(key_frame(), None), name="ask")
    await asyncio.sleep(0)
    os.kill(second, signal.SIGKILL)
    with pytest.raises(NotDecoded, match="ended the decoder"):
        await asking
    await decoder.jpeg(key_frame(), None)
    await decoder.close()


async def test_who_goes_away_in_between_takes_no_answer_of_others(decoder: Decoder) -> None:
    await decoder.jpeg(key_frame(), None)
    for size in ((64, 48), (80, 60)):
        asking = asyncio.create_task(decoder.jpeg(key_frame(), size), name="ask")
        for _ in range(3):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        picture = await decoder.jpeg(key_frame(), (320, 180))
        assert Image.open(io.BytesIO(picture)).size == (320, 180)
