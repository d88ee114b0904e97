"""`python -m proxyd.media FD`: the daemon starts it; FD is one end of a SOCK_SEQPACKET pair."""

from __future__ import annotations

import sys

from .process import run

sys.exit(run(sys.argv[1:]))
