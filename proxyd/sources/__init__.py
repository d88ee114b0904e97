"""Cameras that are known by their stream addresses alone: reading them, and lists of them in other programs' files."""
