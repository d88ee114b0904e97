"""Peers from npm: found or installed; and the answers of a camera for the npm `soap` server to say."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lxml import etree

from proxyd.onvif.namespaces import SCHEMA

VERSION = "1.13.0"
_INSTALL_TIMEOUT_S = 120


class PeerAbsent(Exception):
    """The text says what is missing."""


@asynccontextmanager
async def modules(scratch: Path, package: str = "soap", version: str = VERSION) -> AsyncIterator[tuple[Path, Path]]:
    """(node, folder of modules). ONVIFTUI_NODE_MODULES names a folder that has the package; else npm installs it below
    `scratch`, which needs the Internet. Raises PeerAbsent."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise PeerAbsent("node is not installed (Debian: apt install nodejs npm)")
    given = os.environ.get("ONVIFTUI_NODE_MODULES")
    if given:
        if not (Path(given) / package).is_dir():
            raise PeerAbsent(f"there is no {package} in {given} (ONVIFTUI_NODE_MODULES)")
        yield Path(node), Path(given)
        return
    if npm is None:
        raise PeerAbsent("npm is not installed (Debian: apt install npm), and ONVIFTUI_NODE_MODULES is not set")
    command = ("install", "--no-audit", "--no-fund", "--prefix", str(scratch), f"{package}@{version}")
    process = await asyncio.create_subprocess_exec(
        npm, *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(_INSTALL_TIMEOUT_S):
            code = await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise PeerAbsent(f"npm could not install {package} within {_INSTALL_TIMEOUT_S} s") from None
    if code != 0:
        raise PeerAbsent(f"npm could not install {package}; without the Internet set ONVIFTUI_NODE_MODULES")
    yield Path(node), scratch / "node_modules"


def as_json(element: etree._Element) -> Any:
    """An element of ours in the words of npm's soap: the same names, attributes and texts."""
    made: dict[str, Any] = {}
    attributes: dict[str, str] = {str(key): str(value) for key, value in element.attrib.items()}
    for child in element:
        name = etree.QName(child)
        key = f"tt:{name.localname}" if name.namespace == SCHEMA else name.localname
        value = as_json(child)
        if key not in made:
            made[key] = value
        elif isinstance(made[key], list):
            made[key].append(value)
        else:
            made[key] = [made[key], value]
        if key.startswith("tt:") and etree.QName(element).namespace != SCHEMA:
            attributes["xmlns:tt"] = SCHEMA
    if attributes:
        made["attributes"] = attributes
    if len(element) == 0:
        return made | {"$value": element.text or ""} if made else element.text or ""
    return made
