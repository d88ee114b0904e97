"""The NVR side: the ONVIF client adapter, the scan, grouping of profiles into channels, and the search."""
