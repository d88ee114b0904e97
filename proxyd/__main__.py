"""`python -m proxyd` is `proxyd`."""

import sys

from proxyd.cli import main

sys.exit(main())
