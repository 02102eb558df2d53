"""Names what makes tables: the code, the declarations of other packages, and the settings of a source."""

from functools import cache
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from lake import address, decode, schema
from lake.tables.installed import installed_sources


@cache
def fingerprint(kind: str = "pokeapi", settings: bytes = b"") -> str:
    """Return a hash of what makes the tables of a kind of source: same documents and fingerprint, same bytes.

    `settings` are those of the source that declare tables. What they made of the documents before counts as well, and
    is not in the hash: a table that was inferred keeps its columns.
    """
    # The folders below count as well, because a declaration that changed must rebuild its tables.
    foundations = [Path(str(module.__file__)) for module in (address, decode, schema)]
    sources = [*foundations, *sorted(Path(__file__).parent.rglob("*.py")), *installed_sources(kind)]
    digest = sha256(pa.__version__.encode())
    for source in sources:
        digest.update(source.read_bytes())
    digest.update(settings)
    return digest.hexdigest()[:16]
