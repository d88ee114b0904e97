"""Which interfaces and addresses cameras can have: a typed port with a loopback and a netlink source."""
