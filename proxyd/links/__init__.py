"""Which interfaces and addresses cameras can have: a typed port with a loopback, a netlink and a
shared-address source."""
