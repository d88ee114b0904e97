"""What relaying RTSP costs: our data plane and whole product beside TCP proxies, in turns within one run.

Source and sink are C (compiled when needed), so that they are not the bottleneck: every packet carries the moment at
which it was made, and every byte is checked. CPU is that of all processes of a relay, per 10^9 bytes delivered.
"""
