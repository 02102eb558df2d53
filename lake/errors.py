"""The errors that the world causes; each message says where, what was expected, what was found, and what to do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lake.text import printable, shown

# Names that a message lists; there may be thousands.
_LISTED_NAMES = 200

# Names that somebody reads who is told the nearest ones.
_READ_NAMES = 20

# Characters of a name that are compared with others; no name of ours is as long.
_COMPARED = 200


class LakeError(Exception):
    """Root of the tree: something outside the code went wrong, and the message is meant for a person.

    What it quotes may be anybody's text: nothing of it is obeyed by whatever shows it, and its length is bounded.
    `may_pass` tells whether the same run may go well a while later, without anybody mending something; each kind of
    error says so, unless one of its errors knows better.
    """

    may_pass = False

    def __init__(self, message: str, may_pass: bool | None = None) -> None:
        super().__init__(printable(message))
        if may_pass is not None:
            self.may_pass = may_pass

    def __reduce__(self) -> Any:
        """Let another process have this error, whatever its kind is made of: a worker's, or that of a crawl."""
        return _again, (type(self), self.args, self.__dict__)


class SourceError(LakeError):
    """A source cannot be crawled: unreachable, a listing that does not add up, a budget that is spent."""

    may_pass = True


class BudgetError(SourceError):
    """The requests that a run may make are spent; whoever set that number may not want as many again."""

    may_pass = False


class SourceDownError(SourceError):
    """So much of a source fails that it is left alone."""


class StoppedError(LakeError):
    """An operator told a run to stop; what it has done is kept for the next one."""


class TableError(LakeError):
    """Rows do not fit the declaration of their table."""


class StoreError(LakeError):
    """The bucket cannot be used: wrong name, no credentials, no permission, unreachable."""


class StoreDownError(StoreError):
    """The bucket could not be reached, or asks for patience; it may be usable a while later."""

    may_pass = True


class MissingObjectError(StoreError):
    """An object that must exist does not."""

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri}: expected an object, found none")
        self.uri = uri


class OversizeError(StoreError):
    """An object is larger than anything that can be meant to be there."""

    def __init__(self, uri: str, limit: int, found: int) -> None:
        super().__init__(f"{uri}: expected at most {limit:,} bytes, found {found:,}")
        self.uri = uri


class DamagedObjectError(StoreError):
    """An object of a published snapshot has another content than its commit names."""

    def __init__(self, uri: str, sha256: str) -> None:
        super().__init__(
            f"{uri}: expected the content with SHA-256 {sha256}, found another; run `pokelake verify --repair` (the"
            " parameter repair=true of the deployment verify/verify), which publishes the current snapshot anew without"
            " the damage, or put back the object as it was published"
        )
        self.uri = uri


class ConflictError(StoreError):
    """Another writer created this object first, with other content; it was left as it is."""

    may_pass = True

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri}: another writer created it first, with other content")
        self.uri = uri


class CatalogError(LakeError):
    """A catalog outside of the bucket does not describe a snapshot, or not all of it; the snapshot is not touched."""


class GlueError(CatalogError):
    """AWS Glue refused, or could not be reached."""


class NoCommitError(LakeError):
    """An object below ``commits/`` is none, whatever its name says: readers and writers pass over it."""

    def __init__(self, uri: str, finding: str) -> None:
        super().__init__(
            f"{uri}: expected a commit, found an object that is none: {shown(finding)};"
            " put back the commit that was there, or delete the object while nothing is publishing"
        )
        self.uri, self.finding = uri, shown(finding)


class NoDraftError(LakeError):
    """An object below ``held/`` is not what its name says: it is passed over, and cannot be decided."""

    def __init__(self, uri: str, finding: str) -> None:
        super().__init__(
            f"{uri}: expected what a run held back, found an object that is none: {shown(finding)}; nothing of it is"
            " used. Refresh, which holds back anew what still asks; the next `maintain` removes the object"
        )
        self.uri = uri


class DecidedError(LakeError):
    """A held draft has a verdict already, and it is another one."""

    def __init__(self, draft: str, act: str, by: str, at: str, reason: str) -> None:
        why = f": {reason}" if reason else ""
        super().__init__(f"held draft {draft}: already decided by {by} at {at} ({act}){why}; nothing was changed")
        self.draft, self.act, self.by, self.at, self.reason = draft, act, by, at, reason


class UnansweredError(LakeError):
    """A verdict would publish a held draft, and does not accept everything that asks."""

    def __init__(self, draft: str, names: Sequence[str]) -> None:
        listed = ", ".join(shown(name) for name in names[:_LISTED_NAMES])
        super().__init__(
            f"held draft {draft}: expected a verdict on every finding that asks, found none on {listed}; it waits on."
            " Accept these as well (--finding), accept all (--all), or drop the draft (--reject)"
        )
        self.draft, self.names = draft, tuple(names)


class PublishError(LakeError):
    """A snapshot was not published; readers still see the one before."""

    def __init__(self, snapshot: str, current: str | None, findings: Sequence[str]) -> None:
        seen = f"readers still see {current}" if current else "nothing was ever published here"
        super().__init__("\n- ".join((f"{snapshot} was not published; {seen}:", *findings)))
        self.snapshot = snapshot
        self.current = current
        self.findings = tuple(findings)


class RestoreError(LakeError):
    """An earlier snapshot cannot be published again; nothing was written."""

    def __init__(self, snapshot: str, why: str) -> None:
        super().__init__(f"{shown(snapshot)} was not restored, and nothing was written: {why}")
        self.snapshot, self.why = snapshot, why


class HeldError(LakeError):
    """A snapshot is held back until a person decides; readers still see the one before."""

    def __init__(self, draft: str, current: str | None, findings: Sequence[str], advice: Sequence[str]) -> None:
        seen = f"readers still see {current}" if current else "nothing was ever published here"
        said = "\n- ".join((f"{draft} is held and was not published; {seen}:", *findings))
        super().__init__("\n".join((said, *advice)))
        self.draft = draft
        self.current = current
        self.findings = tuple(findings)


class UnknownNameError(LakeError):
    """A table, snapshot, resource or block of this name does not exist.

    The message lists those that do and names the nearest of them, or says instead what to do where things of that kind
    are saved by hand. `asked` says in words what there is none of, where that is no name; `near` are the nearest names,
    where `known` has none.

    >>> str(UnknownNameError("table", "pokemons", ["moves", "pokemon"]))
    "no table 'pokemons'; there are: moves, pokemon. Did you mean pokemon?"
    >>> str(UnknownNameError("source block", "pokeapi", advice="run `pokelake setup`"))
    "no source block 'pokeapi' is saved; run `pokelake setup`"
    """

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str] = (),
        *,
        advice: str = "",
        asked: str = "",
        near: Iterable[str] = (),
    ) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        listed = ", ".join(shown(str(known)) for known in self.known[:_LISTED_NAMES]) or "none"
        if len(self.known) > _LISTED_NAMES:
            listed += f" and {len(self.known) - _LISTED_NAMES:,} more"
        near = list(near) if near or asked else nearest(name, self.known)
        asked = asked or f"no {kind} {shown(repr(name))}"
        if near and len(self.known) > _READ_NAMES:
            listed = f"{len(self.known):,} others"
        hint = f". Did you mean {' or '.join(shown(str(one)) for one in near)}?" if near else ""
        super().__init__(f"{asked} is saved; {advice}" if advice else f"{asked}; there are: {listed}{hint}")


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three names that somebody may have meant, the nearest first; those that contain it follow.

    >>> nearest("Pokemon-Move", ["pokemon", "pokemon_moves", "moves", "types"]), nearest("stats", ["pokemon_stats"])
    (['pokemon_moves', 'pokemon'], ['pokemon_stats'])
    """
    from difflib import get_close_matches

    plain = {_plain(one): one for one in map(str, known)}
    asked = _plain(str(name)[:_COMPARED])
    within = [one for one in plain if len(asked) > 2 and asked in one]
    return [plain[one] for one in dict.fromkeys([*get_close_matches(asked, plain, 3, 0.7), *within])][:3]


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def refusal_of_s3(details: Mapping[str, Any], bucket: str) -> str:
    """Say what S3 refused, by the error that it answered, and what to do."""
    code = details.get("Code")
    if code == "NoSuchBucket":
        return f"there is no bucket {bucket!r}; create it or name another"
    if code in {"RequestTimeTooSkewed", "RequestExpired"}:
        now = f", and says that it is {details['ServerTime']}" if "ServerTime" in details else ""
        return f"set the clock of this machine: S3 refuses its requests{now}"
    if code in {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "301"}:
        region = f", {details['Region']}" if "Region" in details else ""
        return f"the bucket {bucket!r} lies in another region{region}: set AWS_DEFAULT_REGION to it ({code})"
    if code in {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}:
        return f"the credentials have expired or are not valid ({code}); log in again, or renew AWS_SESSION_TOKEN"
    if code in {"InvalidAccessKeyId", "SignatureDoesNotMatch"}:
        wrong = "AWS_ACCESS_KEY_ID" if code == "InvalidAccessKeyId" else "AWS_SECRET_ACCESS_KEY"
        return f"S3 refused the request ({code}); check the credentials: {wrong} is not the right one"
    if code in {"AccessDenied", "403"}:
        return f"S3 refused the request ({code}); check the credentials and their policy"
    return f"S3 answered {code}: {details.get('Message')}"


def _again(kind: type[LakeError], arguments: tuple[str, ...], members: dict[str, Any]) -> LakeError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(members)
    return error
