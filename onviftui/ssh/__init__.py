"""`onviftui ssh`: the terminal UI and the command line by SSH.

The front (asyncssh, unprivileged) keeps connections, logins and terminals; a zygote that has everything imported forks
one child per session; each child is an ordinary onviftui that gets its connections to the daemon through a door.
"""
