"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
import signal
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.proxyd.onvif.schemas import Validator

ROOT = Path(__file__).resolve().parent.parent

# How long one example takes says something about the machine, not about the code: pytest-timeout ends what hangs.
hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")


# Modules whose tests share what is dear to start, or would disturb each other: one worker runs them, one by one.
# A table, since xdist 3.8 does not see its own mark for that under pytest 9.2.
TOGETHER = {
    f"tests/e2e/test_{module}.py": group
    for group, modules in {
        "demo": ["main_job"],
        "players": ["players", "players_tls", "players_tunnel"],
        "real servers": ["real_servers"],
        "roles": ["roles"],
        "ssh": ["ssh"],
        "ssh ends": ["ssh_ends"],
        "ssh floods": ["ssh_floods"],
        "ssh limits": ["ssh_limits"],
        "ssh roles": ["ssh_roles"],
        "stream faults": ["stream_faults"],
        "talk": ["talk"],
    }.items()
    for module in modules
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # here, since pytest works without it

    class Groups(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
        """Groups first, then all other tests, each for itself."""

        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER.get(nodeid.partition("::")[0], nodeid)

    return Groups(config, log)


def pytest_configure() -> None:
    """Programs under test hear Ctrl-C: a shell has what it starts in the background ignore it, which is inherited."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _shared() -> Path:
    return Path(os.environ.get("ONVIFTUI_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the official ONVIF schemas and recorded exchanges; tests that read it are skipped without it."""
    folder = _shared()
    if not (folder / "onvif-specs").is_dir():
        pytest.skip(f"no ONVIF schemas and captures in {folder} (set ONVIFTUI_SHARED)")
    return folder


@pytest.fixture(scope="session")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    """Official schemas where they are, else the older copies in onvif-zeep-async. Two seconds of work: once for all."""
    from tests.proxyd.onvif.schemas import load  # here, since most tests need none of it

    folder = _shared()
    with warnings.catch_warnings():
        # "Maybe a not equivalent type table": two services name an element Capabilities; harmless.
        warnings.simplefilter("ignore")
        return load(folder if (folder / "onvif-specs").is_dir() else None, tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="session")
def ffprobe() -> str:
    path = shutil.which("ffprobe")
    if path is None:
        pytest.skip("ffprobe is not installed (Debian: apt install ffmpeg)")
    return path


def _may_skip(reason: str) -> bool:
    """ONVIFTUI_REQUIRE_ALL=1: nothing. CI=true: only what reads the schemas and captures, which we may not ship."""
    if os.environ.get("ONVIFTUI_REQUIRE_ALL") == "1":
        return False
    return os.environ.get("CI") != "true" or "no ONVIF schemas" in reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true or ONVIFTUI_REQUIRE_ALL=1 a skipped test is a failure: silence is not success."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not _may_skip(str(report.longrepr)):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} may not be skipped here: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and not _may_skip(str(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} may not be skipped here: {report.longrepr}"
    return report
