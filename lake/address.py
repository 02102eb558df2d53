"""HTTP addresses: the many spellings of one, and whether one is of a source."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_plus, urlencode, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
# No address has these; a program that drops them, as urllib does with some, reads another address than the next one.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")

# The same base is compared with each of fifteen thousand addresses, and each of them is read several times in a row.
_remembered = lru_cache(maxsize=64)


@_remembered
def spelled(address: str) -> str | None:
    """Return the one spelling of an HTTP address; None if it is none that could be asked for.

    Scheme and host are in small letters, the port is there unless it is the usual one, no slash is doubled, and the
    percent-encoding is as short as it can be. Path and query tell capitals apart.

    >>> spelled("HTTPS://PokeAPI.co:443/api//v2/pok%65mon/25/")
    'https://pokeapi.co/api/v2/pokemon/25/'
    """
    parts = urlsplit(address) if (origin := _origin(address)) else None
    if origin is None or parts is None:
        return None
    scheme, user, host, port = origin
    authority = f"[{host}]" if ":" in host else host
    authority = f"{user}{authority}"
    authority = authority if port == _PORTS[scheme] else f"{authority}:{port}"
    query = f"?{_unescaped(parts.query)}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{scheme}://{authority}{spelled_path(parts.path or '/')}{query}{fragment}"


def spelled_path(path: str) -> str:
    """Return the one spelling of an address's path.

    >>> spelled_path("/api/v2//generation/%31/")
    '/api/v2/generation/1/'
    """
    return re.sub("/{2,}", "/", _unescaped(path))


def joined(base: str, address: str) -> str | None:
    """Return the absolute address that a text means where `base` is known; None if it is no HTTP address."""
    if _FORBIDDEN.search(address):
        return None
    try:
        absolute = urljoin(base, address)
    except ValueError:
        return None
    return absolute if _origin(absolute) else None


def same_origin(one: str, other: str) -> bool:
    """Tell whether two addresses share scheme, host and port; one with a user's name is of another origin.

    >>> same_origin("https://pokeapi.co/api/v2/", "https://PokeAPI.co:443/api/v2/pokemon/25/")
    True
    """
    origin = _origin(one)
    return origin is not None and origin == _origin(other)


def is_loopback(address: str) -> bool:
    """Tell whether an address is on this machine alone.

    >>> is_loopback("http://127.0.0.1:8000/api/"), is_loopback("https://pokeapi.co/")
    (True, False)
    """
    origin = _origin(address)
    return origin is not None and origin[2] in {"127.0.0.1", "localhost", "::1"}


def either_scheme(address: str) -> set[str]:
    """Return the one spelling of an address, with http and with https if its port is the usual one.

    Servers behind a proxy that ends the encryption name themselves with http. A text that is no address has none.

    >>> sorted(either_scheme("https://PokeAPI.co/api/v2/"))
    ['http://pokeapi.co/api/v2/', 'https://pokeapi.co/api/v2/']
    >>> either_scheme("http://127.0.0.1:8080/api/v2/")
    {'http://127.0.0.1:8080/api/v2/'}
    """
    spelling, origin = spelled(address), _origin(address)
    if spelling is None or origin is None:
        return set()
    scheme, _, _, port = origin
    schemes = _PORTS if port == _PORTS[scheme] else (scheme,)
    return {f"{each}{spelling.removeprefix(scheme)}" for each in schemes}


def same_address(one: str, other: str) -> bool:
    """Tell whether two texts are spellings of one address."""
    return one == other or (spelled(one) is not None and spelled(one) == spelled(other))


def path_below(base: str, address: str) -> str | None:
    """Return what follows the address of a source, without slashes around it; None if it does not lie below that.

    >>> path_below("https://pokeapi.co/api/v2/", "https://PokeAPI.co/api/v2/pokemon//25/")
    'pokemon/25'
    """
    above, below = spelled(base), spelled(address)
    if above is None or below is None or not below.startswith(above):
        return None
    return below.removeprefix(above).strip("/")


def without_user(address: str) -> str:
    """Return an address as a person may read it, without a user and a password.

    >>> without_user("http://admin:secret@127.0.0.1:4200/api")
    'http://127.0.0.1:4200/api'
    """
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def with_query(address: str, parameters: Mapping[str, str | None]) -> str:
    """Return an address with other values of some parameters of its query; None takes one out.

    >>> with_query("https://pokeapi.co/api/v2/pokemon?limit=20&page=1", {"page": "2", "q": "a b"})
    'https://pokeapi.co/api/v2/pokemon?limit=20&page=2&q=a+b'
    """
    if not parameters:
        return address
    before, mark, fragment = address.partition("#")
    path, _, query = before.partition("?")
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in parameters]
    given = urlencode({name: value for name, value in parameters.items() if value is not None})
    query = "&".join([*kept, given] if given else kept)
    return f"{path}{'?' if query else ''}{query}{mark}{fragment}"


@_remembered
def _origin(address: str) -> tuple[str, str, str, int] | None:
    """Return scheme, user, host and port; None if it is no HTTP address, or has a port that none can have."""
    if _FORBIDDEN.search(address):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port if parts.port is not None else _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or not port:
        return None
    user, is_there, _ = parts.netloc.rpartition("@")
    return parts.scheme, f"{user}{is_there}", parts.hostname, port


def _unescaped(text: str) -> str:
    """Return a text without the escapes that stand for an ordinary letter, and with capitals in all others."""

    def short(escape: re.Match[str]) -> str:
        letter = chr(int(escape[1], 16))
        return letter if _UNRESERVED.fullmatch(letter) else escape[0].upper()

    return _ESCAPE.sub(short, text)
