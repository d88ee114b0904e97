"""The daemon: one virtual ONVIF camera per NVR channel."""

__version__ = "0.1.0"
