"""`python -m netsetup`."""

import sys

from .cli import main

sys.exit(main())
