"""A DHCP server that goes away and comes back: leases are used as long as they are valid, and not a moment longer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .chain import Chain, new_chain
from .dhcp_servers import start_kea
from .lan import Lan, wait_until
from .test_failures import told, wait_told
from .test_leases import plan, rows, wait_bound
from .verdict import watch_visits

CAMERAS = 3


@pytest.fixture
def chain(lan: Lan) -> Iterator[Chain]:
    with new_chain(lan) as made:
        plan(made, CAMERAS)
        yield made


def examine(chain: Chain) -> None:
    near, routed = watch_visits(chain.lan, wait_bound(chain, CAMERAS))
    assert near.right, str(near)
    assert routed.right, str(routed)


def test_a_server_that_is_back_in_time_costs_no_address(chain: Chain, tmp_path: Path) -> None:
    server = start_kea(chain.lan.router, tmp_path, lease_s=30, renew_s=4)
    chain.start_arm()
    cameras = wait_bound(chain, CAMERAS)
    chain.lan.router.end(server)
    wait_told(chain, f"{cameras[0].address} is still valid, but 10.77.0.1 does not renew it: check the DHCP server")
    expiries = {row["name"]: row["expires"] for row in rows(chain)}
    start_kea(chain.lan.router, tmp_path, lease_s=30, renew_s=4)
    wait_until("all are renewed", lambda: all(row["expires"] > expiries[row["name"]] for row in rows(chain)))
    wait_until("nobody complains", lambda: not any(row["message"] for row in rows(chain)))
    assert wait_bound(chain, CAMERAS) == cameras
    assert "lost its address" not in told(chain)
    examine(chain)


def test_an_expired_lease_leaves_the_kernel_and_comes_back_with_the_server(chain: Chain, tmp_path: Path) -> None:
    server = start_kea(chain.lan.router, tmp_path, lease_s=14, renew_s=4)
    chain.start_arm()
    cameras = wait_bound(chain, CAMERAS)
    chain.lan.router.end(server)
    for camera in cameras:
        wait_told(chain, f"The lease of {camera.address} has expired")

    def nothing_left() -> bool:
        shown = chain.lan.host.run(["sh", "-c", "ip -4 address; ip rule; ip -4 route show table all"]).stdout
        return not any(f"{camera.address} " in shown or f"{camera.address}/" in shown for camera in cameras)

    wait_until("expired addresses are out of the kernel", nothing_left)
    assert all(row["address"] is None for row in rows(chain))
    start_kea(chain.lan.router, tmp_path, lease_s=14, renew_s=4)
    wait_bound(chain, CAMERAS)
    examine(chain)
