"""References to the zygote's objects are not counted any more, so that its pages stay shared with the sessions.

A session writes to an inherited page whenever it takes a reference to something that lies there; then the kernel gives
it a copy of its own. CPython 3.12 and newer leave the count of an *immortal* object alone (PEP 683, which names this
use), but have no function that makes objects of one's own immortal: the count is set where every object has it, in its
first four bytes. Where that is not so (3.11, builds without the GIL, big-endian machines) nothing is done.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import types
from collections.abc import Iterator

_FOR_EVER = 0xFFFFFFFF  # taken for immortal by each version that knows the word: neither counted up nor down
_LEAST = 0x80000000  # from here on it is so already
_RUNNING = (types.FrameType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


def keep_for_ever() -> int:
    """Everything there is, but what is running; says how many objects. For a process that only forks from now on."""
    if not _left_alone():
        return 0
    made = 0
    for one in list(_everything()):
        count = _count(one)
        if count.value < _LEAST and not isinstance(one, _RUNNING):
            count.value = _FOR_EVER
            made += 1
    return made


def _left_alone() -> bool:
    """Tried with an object that nobody else knows: is its count where we take it to be, and does it then stay so?"""
    if sys.implementation.name != "cpython":
        return False
    probe = object()
    count = _count(probe)
    if count.value not in (sys.getrefcount(probe), sys.getrefcount(probe) - 1):  # the argument is one more, or is lent
        return False
    count.value = _FOR_EVER
    held = [probe] * 3
    stays = count.value == _FOR_EVER
    del held
    return stays and count.value == _FOR_EVER


def _count(one: object) -> ctypes.c_uint32:
    return ctypes.c_uint32.from_address(id(one))


def _everything() -> Iterator[object]:
    """What the garbage collector knows, and what it does not: strings, numbers, the parts of code."""
    todo = gc.get_objects()
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if id(one) in seen or one is seen or one is todo:
            continue
        seen.add(id(one))
        yield one
        todo.extend(gc.get_referents(one))
        if isinstance(one, types.CodeType):  # which the collector does not look into
            todo.extend((one.co_consts, one.co_names, one.co_name, one.co_qualname, one.co_filename))
            todo.extend((one.co_linetable, one.co_exceptiontable, one.co_varnames, one.co_freevars, one.co_cellvars))
