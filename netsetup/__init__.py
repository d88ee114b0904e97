"""`netsetup`: the root command at install, and the small privileged arm that keeps the cameras' interfaces.

Imports the standard library and pyroute2 only: it runs with rights that nothing else here has.
"""
