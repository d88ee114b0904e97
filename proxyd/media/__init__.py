"""The data plane: a process of its own that carries packets from NVRs to recorders and knows nothing else.

The daemon keeps all conversations. It hands over the side of a connection that media flows on, and keeps the other: of
the NVR's connection this room reads and the daemon writes, of a recorder's this room writes and the daemon reads. So no
request and no answer is ever in two hands. Nothing here imports asyncio or anything heavy: a process is small, and a
busy daemon delays no packet.

Pure: wire, and what walks, changes and counts packets. I/O: the loop, feeds and outlets. `process` is the program.
"""
