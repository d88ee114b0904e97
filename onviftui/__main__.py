"""`python -m onviftui` is `onviftui`."""

import sys

from onviftui.cli import main

sys.exit(main())
