"""An RTSP player for tests and benchmarks, independent of the code it judges; it reads the mark in every frame."""
