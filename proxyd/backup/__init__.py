"""Backups: one encrypted file with a copy of the database and the key that opens it."""
