"""What the zygote has is not counted any more where Python can do that, and works as before."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = """
import gc, json, os, sys
from onviftui.ssh.immortal import keep_for_ever
from onviftui.ssh.preload import preload

class Ours:
    def __init__(self):
        self.name = "a name " + str(os.getpid())

ours = Ours()
preload()
made = keep_for_ever()
gc.freeze()

def counts(held):
    return [sys.getrefcount(one) for one in (ours, ours.name, Ours, Ours.__init__.__code__)]

before = counts(None)
after = counts([one for one in (ours, ours.name, Ours, Ours.__init__.__code__) for _ in range(10)])
later = Ours()
new = sys.getrefcount(later)
held = [later] * 3
grows = sys.getrefcount(later) - new
ours.name += "!"
again = keep_for_ever()
gc.collect()
child = os.fork()
if child == 0:
    from fractions import Fraction
    os._exit(int(sum(Fraction(1, 3) for _ in range(3))) + len(gc.get_objects() and "x"))
print(json.dumps({
    "made": made, "moved": before != after, "grows": grows, "again": again,
    "name": ours.name.endswith("!"), "child": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]),
}))
"""


def test_counts_stand_still_where_python_can_and_everything_works_on() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, timeout=60, text=True)
    assert (done.returncode, done.stderr) == (0, "")  # its own end, too
    said = json.loads(done.stdout)
    can = sys.version_info >= (3, 12) and getattr(sys, "_is_gil_enabled", lambda: True)()
    assert (said["made"] > 100_000) is can
    assert said["moved"] is not can
    assert said["again"] < max(said["made"], 1)
    assert (said["grows"], said["name"], said["child"]) == (3, True, 2)
