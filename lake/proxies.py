"""Proxies, as the environment names them; none is asked for this machine."""

import os
import re
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from lake.errors import LakeError
from lake.text import shown

KINDS = ("http", "https", "all")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# A name, an address or a network, with or without a port.
_NAME = re.compile(r"\.?[a-zA-Z0-9_*-]+(\.[a-zA-Z0-9_-]+)*\.?(:\d{1,5}|/\d{1,2})?")


def spare_loopback() -> None:
    """Let no client in this process or its children ask a proxy for this machine.

    Of NO_PROXY only what httpx can read is left: it fails on IPv6 networks, which no client here takes for more than a
    text, and on addresses in brackets, which are written without.
    """
    known = getproxies_environment()
    if not known:
        return
    spared = [entry for text in re.split(r"[,\s]+", known.get("no", "")) if (entry := _readable(text))]
    if known.keys() & set(KINDS):
        spared += _LOOPBACK
    # Clients prefer the one in small letters, if there are both.
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(dict.fromkeys(spared))


def check_proxies() -> None:
    """Do as `spare_loopback` does, and check the addresses of the proxies.

    Raises:
        LakeError: No client could use one of them.
    """
    spare_loopback()
    known = getproxies_environment()
    for kind in KINDS:
        if problem := _problem(known.get(kind, "")):
            # What stands before the last @ may be a password.
            found = shown(repr(known[kind].rpartition("@")[2]))
            raise LakeError(
                f"{kind.upper()}_PROXY: expected {problem}, found {found}; correct the variable or unset it"
            )


def _problem(address: str) -> str | None:
    if not address:
        return None
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        is_whole = bool(parts.hostname) and parts.port != 0 and address.isascii() and address.isprintable()
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme not in ("http", "https", "socks5", "socks5h"):
        return "the address of a proxy, such as http://proxy:3128"
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        return "a proxy that speaks HTTP, because the package socksio is not installed"
    return None


def _readable(entry: str) -> str | None:
    """Return an entry of NO_PROXY as httpx can read it, None if it cannot."""
    host = re.sub(r"^\[(.*)\](:\d+)?$", r"\1", entry)
    if entry == "*" or _NAME.fullmatch(host):
        return host
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        return None
