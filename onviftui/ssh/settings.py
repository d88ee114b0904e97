"""How many, how long, how much: every limit of the SSH server. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What `onviftui ssh` was told, and what is fixed. Times in seconds, sizes in bytes."""

    passwords: bool = False
    idle_s: float = 30 * 60  # no key pressed in the UI; 0: never
    sessions: int = 20
    session_memory: int = 512 * 1024 * 1024  # address space; a session uses a fifth of it

    sessions_per_user: int = 10
    sessions_per_connection: int = 4
    connections: int = 64  # that have logged in
    connections_per_user: int = 16
    waiting: int = 48  # that have not, yet
    waiting_per_address: int = 8
    login_grace_s: float = 30.0
    without_session_s: float = 30.0  # a connection that does nothing (`ssh -N`) is closed
    keepalive_s: float = 30.0
    keepalives: int = 3  # unanswered
    keys_offered: int = 12
    names_tried: int = 8  # for each the users' files are read
    keys_asked: int = 48  # known ones, too
    password_tries: int = 3
    addresses: int = 1024  # whose failures are remembered
    exchanges: int = 24  # of keys, at once from one address; each takes the front about 3 ms
    exchanges_per_s: float = 5.0  # after those
    exchange_wait_s: float = 3.0  # at most
    variables: int = 16
    command_length: int = 16 * 1024
    receive_window: int = 64 * 1024
    receive_chunk: int = 16 * 1024  # of one connection before the others get their turn
    least_packet: int = 256  # that a client may ask for: smaller ones cost much more than they carry
    signals_s: float = 0.05  # at most one signal in this time
    send_buffer: int = 32 * 1024  # per connection: ours, and once more the kernel's (which doubles it for itself)
    spawn_s: float = 10.0
    resize_s: float = 0.1  # at most one change of size in this time
    hangup_s: float = 0.4  # from SIGHUP or SIGTERM to SIGKILL
    unreadable_s: float = 10 * 60  # sessions stay for so long when the users' files cannot be read any more
    users_s: float = 5.0  # how often the users' files are looked at while somebody is logged in
