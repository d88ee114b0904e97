"""All steps, in the order in which they are taken."""

from __future__ import annotations

from .camera_panes import AdoptPane, NamesPane, StartPane
from .network_panes import InterfacesPane, NetworkPane
from .nvr_panes import NvrPane, ScanPane
from .pane import Pane

PANES: tuple[type[Pane], ...] = (NetworkPane, InterfacesPane, NvrPane, ScanPane, NamesPane, StartPane, AdoptPane)
