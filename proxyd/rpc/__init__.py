"""JSON-RPC on the Unix socket: connections and their limits, the event hub, and one function per method."""
