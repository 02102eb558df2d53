"""The HTTP client of a crawl: its requests are conditional, paced, bounded, and retried if that can help."""

import asyncio
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from lake.address import joined, same_origin, spelled
from lake.crawl.breaker import LEFT_ALONE
from lake.crawl.coding import CodingError, decoder_of
from lake.crawl.key import Key
from lake.crawl.oauth2 import TokenError
from lake.crawl.pace import Pace, date_of, wait_seconds
from lake.crawl.reply import AgainError, FetchError, NotFoundError, Reply
from lake.crawl.signing import Signing
from lake.crawl.wire import AddressError, Answer, Wire, WireError, open_wire
from lake.proxies import check_proxies
from lake.source import Source

if TYPE_CHECKING:
    import httpx

# A request with one of these may succeed later; any other refusal is final.
_RETRIED_STATUS = {408, 425, 429, *range(500, 600)}
_REDIRECTS = {301, 302, 303, 307, 308}
_MAX_REDIRECTS = 3

# A longer ETag or version is no name for a version of anything, and would be kept with each document.
_MAX_TAG = 1000

# Takes a body, and says what is wrong with it, None if nothing is.
Check = Callable[[bytes], str | None]


class Client:
    """A source's connections within one event loop; an ``async with`` block opens and closes them.

    All clients of an event loop share one `pace`. The key goes with every request to the source, and to nobody else;
    no message shows it.

    Raises:
        SourceError: A header has characters that HTTP does not allow.
        LakeError: The environment names a proxy that cannot be one.
    """

    def __init__(
        self,
        source: Source,
        pace: Pace,
        connections: int,
        key: Key | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        check_proxies()
        self.source = source
        self.requests = 0
        self._pace = pace
        self._signing = Signing(source, key or Key())
        self._headers = {
            "User-Agent": source.user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        self._connections, self._transport = connections, transport
        self._behind: timedelta | None = None
        self._wire: Wire | None = None

    async def __aenter__(self) -> Self:
        self._wire = open_wire(self.source, self._connections, self._transport)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._wire is not None
        await self._wire.close()

    async def get(
        self, url: str, etag: str | None = None, check: Check | None = None, keep: Sequence[str] = ()
    ) -> Reply:
        """Fetch a URL; with `etag`, fetch its body only if it changed. A body that `check` refuses is fetched again.

        `keep` names the headers that the reply is to have.

        Raises:
            FetchError: It could not be fetched, after as many tries as `attempts` allows if another try could help.
        """
        try:
            return await self._once(url, etag, check, keep)
        except AgainError as error:
            return await self._again(error, url, etag, check, keep)

    def by_its_clock(self, at: datetime) -> datetime:
        """Return what the source's clock showed at a time of this machine's clock, if its answers say the time.

        It is the earlier one of both, so that nothing which the source did since then seems to have been before.
        """
        return at - (self._behind or timedelta())

    async def _again(
        self, failure: AgainError, url: str, etag: str | None, check: Check | None, keep: Sequence[str]
    ) -> Reply:
        """Fetch a URL whose first try failed."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(AgainError),
            stop=stop_after_attempt(self.source.attempts),
            wait=self._wait,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number == 1:
                    raise failure
                return await self._once(url, etag, check, keep)
        raise AssertionError("tenacity ends with a result or an exception")

    def _wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next try: a growing random delay, or 0 if the source said how long to wait."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, FetchError) and error.is_paced:
            return 0
        delay = self.source.retry_delay_seconds
        return wait_random_exponential(multiplier=delay, max=30 * delay)(state)

    async def _once(self, url: str, etag: str | None, check: Check | None, keep: Sequence[str]) -> Reply:
        if self._signing and not same_origin(self.source.base_url, url):
            raise FetchError(f"expected a URL below {self.source.base_url}, found {url[:200]!r}", is_final=True)
        key = await self._key()
        try:
            return await self._ask(url, key, etag, check, keep)
        except FetchError as error:
            if error.status != 401 or not self._signing.renew(key):
                raise
        return await self._ask(url, await self._key(), etag, check, keep)

    async def _key(self) -> Mapping[str, str]:
        """Return the headers that carry the key."""
        assert self._wire is not None, "a client is open within its block alone"
        try:
            return await self._signing.headers(self._wire)
        except TokenError as error:
            raise AgainError(str(error)) if error.may_pass else FetchError(str(error), is_final=True) from error

    async def _ask(
        self, url: str, key: Mapping[str, str], etag: str | None, check: Check | None, keep: Sequence[str]
    ) -> Reply:
        assert self._wire is not None, "a client is open within its block alone"
        headers = {**self._headers, **key} | ({"If-None-Match": etag} if etag else {})
        for _ in range(_MAX_REDIRECTS + 1):
            if spelled(url) is None:
                raise FetchError(f"expected an HTTP address, found {url[:200]!r}", is_final=True)
            await self._pace.turn()
            # It may have been given up while this waited for its turn.
            if self._pace.breaker.is_down:
                raise FetchError(LEFT_ALONE, is_final=True)
            self.requests += 1
            address = self._signing.address(url)
            try:
                async with asyncio.timeout(self.source.deadline_seconds), self._wire.send(address, headers) as answer:
                    if answer.status not in _REDIRECTS:
                        return await self._read(answer, bool(etag), check, keep)
                    location = (answer.header("Location") or "").strip()
            except TimeoutError as error:
                raise AgainError(f"no whole answer within {self.source.deadline_seconds:g} s") from error
            except AddressError as error:
                reason = self._signing.hidden(f"InvalidURL: {error}")
                raise FetchError(reason, is_final=True) from self._signing.cause(error)
            except WireError as error:
                raise AgainError(self._signing.hidden(str(error))) from self._signing.cause(error)
            url = _redirected(url, self._signing.hidden(location))
        raise FetchError(f"more than {_MAX_REDIRECTS} redirects", is_final=True)

    async def _read(self, answer: Answer, conditional: bool, check: Check | None, keep: Sequence[str]) -> Reply:
        etag, version = _tag(answer.header("ETag")), _tag(answer.header("X-PokeAPI-Hash"))
        status = answer.status
        if self._behind is None and (said := date_of(answer.header("Date"))) is not None:
            self._behind = max(datetime.now(UTC) - said, timedelta())
        # GitHub and others refuse with 403 who asks too often, and say when to come back.
        is_passing = status in _RETRIED_STATUS or (status == 403 and _asks_to_wait(answer))
        if not is_passing:
            self._pace.note_answer()
        if status == 304 and conditional:
            # It has no body, but a connection is kept only if its answer was read to the end.
            async for _ in answer.pieces():
                pass
            return Reply(None, etag, version)
        if status == 404:
            raise NotFoundError
        if is_passing:
            raise self._later(answer)
        if status != 200:
            raise FetchError(f"status {status}", is_final=True, status=status, body=await self._refusal(answer))
        body = self._signing.hidden_body(await self._body(answer))
        content_type = (answer.header("Content-Type") or "none").partition(";")[0].strip().lower()
        if content_type != "application/json" and not content_type.endswith("+json"):
            raise AgainError(f"content type: expected application/json, found {content_type[:80]!r}")
        problem = check(body) if check is not None else None
        if problem:
            # The answer may have been cut or garbled on the way, and be whole the next time.
            raise AgainError(problem)
        found = {name: self._signing.hidden(value) for name in keep if (value := answer.header(name)) is not None}
        return Reply(body, etag, version, found)

    async def _refusal(self, answer: Answer) -> bytes:
        """Return what the source says of a refusal, nothing if that cannot be read."""
        try:
            return self._signing.hidden_body(await self._body(answer))
        except (FetchError, WireError):
            return b""

    async def _body(self, answer: Answer) -> bytes:
        """Return the whole body, decompressed, and without a byte order mark, which is no part of the JSON."""
        limit, came, length = self.source.max_document_bytes, 0, 0
        pieces: list[bytes] = []
        try:
            decoder = decoder_of(answer.header("Content-Encoding"))
            async for chunk in answer.pieces():
                came += len(chunk)
                pieces.append(piece := decoder.feed(chunk, limit + 1 - length))
                length += len(piece)
                if max(came, length) > limit:
                    raise FetchError(f"more than {limit:,} bytes", is_final=True)
            decoder.end()
        except CodingError as error:
            raise AgainError(str(error)) from error
        return b"".join(pieces).removeprefix(BOM_UTF8)

    def _later(self, answer: Answer) -> FetchError:
        """Return the failure for a temporary refusal; if the source says how long to wait, all requests wait."""
        seconds = wait_seconds(answer.header, _now(answer))
        if seconds is None:
            return AgainError(f"status {answer.status}")
        if seconds > self.source.max_retry_after_seconds:
            return FetchError(f"status {answer.status}, come back in {seconds:.0f} s", is_final=True)
        if not self._pace.pause(seconds):
            return FetchError(
                f"status {answer.status}, come back in {seconds:.0f} s, after too many such waits", is_final=True
            )
        return AgainError(f"status {answer.status}", is_paced=True)


def _now(answer: Answer) -> datetime:
    """Return the time by the source's clock, because that of this machine may be wrong."""
    return date_of(answer.header("Date")) or datetime.now(UTC)


def _asks_to_wait(answer: Answer) -> bool:
    return answer.header("Retry-After") is not None or wait_seconds(answer.header, _now(answer)) is not None


def _tag(value: str | None) -> str | None:
    return value if value is not None and len(value) <= _MAX_TAG else None


def _redirected(url: str, location: str) -> str:
    """Return the address that a redirect leads to.

    Raises:
        FetchError: It leads nowhere, or away from the source.
    """
    target = joined(url, location)
    if target is None or not location:
        raise FetchError(f"redirected to no HTTP address, {location[:200]!r}", is_final=True)
    if not same_origin(url, target):
        raise FetchError(f"redirected to another origin, {target[:200]!r}", is_final=True)
    return target
