"""`python -m proxyd.simulator` is `proxyd simulate`."""

from __future__ import annotations

import sys

from proxyd.simulator.cli import main

sys.exit(main())
