"""WS-Discovery of our cameras: each one answers, greets and takes leave from its own address (WS-Discovery 2005/04)."""
