"""Pictures in the terminal: what it can show, and the bytes that show it. Pillow is imported where it is used."""
