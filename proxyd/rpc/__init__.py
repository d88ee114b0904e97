"""JSON-RPC on the Unix socket: connections and their limits, who may do what, and one function per method."""
