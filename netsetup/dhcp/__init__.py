"""DHCP for all cameras of one parent, and address conflict detection: one packet socket, pure state machines."""
