"""From an empty box to a recorder that plays: seven steps, each of which looks at what is true now."""
