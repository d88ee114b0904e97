"""TLS of cameras: their certificates, listeners that follow the settings, and handshakes that are bounded."""
