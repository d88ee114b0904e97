"""How often NVRs refused an account lately: they count too, and lock it. Pure; the clock comes in as an argument."""

from __future__ import annotations

from collections import OrderedDict

from proxyd.camera.spec import NvrAccess

USUAL_LIMIT = 5  # many NVRs lock an account after so many wrong passwords
FORGET_S = 1800.0  # and open it again after half an hour
MOST = 256  # accounts

_Account = tuple[str, int, str]


class RefusedTries:
    def __init__(self) -> None:
        self._refused: OrderedDict[_Account, tuple[int, float]] = OrderedDict()

    def refused(self, access: NvrAccess, now_s: float) -> int:
        """One more; how many in a row these are."""
        count = self.count(access, now_s) + 1
        self._refused[_of(access)] = (count, now_s)
        self._refused.move_to_end(_of(access))
        while len(self._refused) > MOST:
            self._refused.popitem(last=False)
        return count

    def accepted(self, access: NvrAccess) -> None:
        self._refused.pop(_of(access), None)

    def count(self, access: NvrAccess, now_s: float) -> int:
        count, last_s = self._refused.get(_of(access), (0, now_s))
        return count if now_s - last_s < FORGET_S else 0


def words_of(count: int) -> str:
    """For people, after `count` refusals in a row."""
    if count >= USUAL_LIMIT:
        return f"{count} tries were refused: the NVR may have locked the account for a while."
    tries, left = "try was" if count == 1 else "tries were", USUAL_LIMIT - count
    return f"{count} {tries} refused; many NVRs lock an account after {USUAL_LIMIT}, so {left} may be left."


def _of(access: NvrAccess) -> _Account:
    return access.host, access.port, access.username
