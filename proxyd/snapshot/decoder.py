"""`python -m proxyd.snapshot.decoder`: the process that turns key frames into JPEG, with PyAV.

What NVRs send goes through libav here, where it can hurt nobody: limits on memory, processor and files, no threads, no
secret, no connection. Questions come by standard input and answers go by standard output, one after the other, until
the input ends. `serve` is the program.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import sys
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from PIL.Image import Image

QUESTION = Struct(">4sHHI")  # codec, width and height of the answer (0, 0: as it comes), bytes that follow
ANSWER = Struct(">?I")  # whether it is a picture, bytes that follow: a JPEG, or why not, in words
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_CODECS = {b"H264": "h264", b"H265": "hevc"}
_MAX_PIXELS = 36_000_000  # 8K; a crafted header must not cost gigabytes
_MEMORY_BYTES = 1 << 30
_CPU_S = 15  # of one picture
_FILES = 16
_QUALITY = 88


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Until there are no more questions."""
    _limit_once()
    while len(head := questions.read(QUESTION.size)) == QUESTION.size:
        codec, width, height, size = QUESTION.unpack(head)
        _limit_processor()
        try:
            ok, answer = True, _jpeg(_decoded(_CODECS[codec], questions.read(size)), (width, height))
        except Exception as error:  # libav's and Pillow's, of many kinds
            ok, answer = False, type(error).__name__.encode()
        answers.write(ANSWER.pack(ok, len(answer)) + answer)
        answers.flush()


def _decoded(codec: str, data: bytes) -> Image:
    """Of one picture alone. Raises av.FFmpegError, ValueError."""
    from av import Packet, VideoCodecContext

    context = VideoCodecContext.create(codec, "r")
    assert isinstance(context, VideoCodecContext)
    context.thread_count, context.thread_type = 1, "NONE"
    context.options = {"max_pixels": str(_MAX_PIXELS)}
    frames = [*context.decode(Packet(data)), *context.decode(None)]
    if not frames or frames[0].is_corrupt:
        raise ValueError("no whole picture")
    image: Image = frames[0].to_image(threads=1)  # type: ignore[no-untyped-call]  # PyAV's own types leave it out
    return image


def _jpeg(image: Image, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    if all(size) and image.size != size:
        image = image.resize(size, 2, reducing_gap=2.0)  # bilinear
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _limit_once() -> None:
    with contextlib.suppress(OSError):  # the unit's filter of system calls leaves priorities alone
        os.nice(10)  # recorders' packets go first
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
    ):
        resource.setrlimit(what, (most, most))


def _limit_processor() -> None:
    """The kernel ends what takes longer, even if the daemon is gone."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + _CPU_S, hard))


def main() -> None:
    import av  # noqa: F401 - before the limits: a missing library is said at once

    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
