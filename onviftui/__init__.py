"""The terminal UI, the command line and the demo: clients of proxyd."""
