"""What is known of each kind of source: its tables, which resources fill them, and where the order of a list counts."""

from dataclasses import dataclass
from functools import cache, cached_property

from lake.schema import Table
from lake.tables.inferred.stored import InferredTable
from lake.tables.installed import installed_tables
from lake.tables.registry import TABLES
from lake.tables.values import DOCUMENT_VALUES

# The kind of source whose documents tables are declared for.
POKEAPI = "pokeapi"

# PokeAPI's lists come out of unordered queries: builds of the same data shuffle names, texts and species. Wherever
# order means something there, elements say it themselves (`slot`, `order`, `entry_number`, `level`), save in the tree
# of an evolution: which branch and which condition comes first stands nowhere else.
ORDERED = frozenset({"evolution-chain"})


@dataclass(frozen=True)
class Catalog:
    """One source, and all tables that a snapshot of it can have.

    `settings` are those of the source that declare tables.
    """

    kind: str
    tables: tuple[Table, ...]
    settings: bytes = b""

    def tables_of(self, resource: str) -> tuple[Table, ...]:
        """Return the tables that documents of a resource fill; of PokeAPI the generic one where none is declared."""
        return self._by_resource.get(resource, (DOCUMENT_VALUES,) if self.kind == POKEAPI else ())

    @cached_property
    def _by_resource(self) -> dict[str, tuple[Table, ...]]:
        names = {name for table in self.tables for name in table.resources}
        return {name: tuple(table for table in self.tables if name in table.resources) for name in names}

    def table(self, name: str) -> Table:
        """Return the table of this name, which must be there."""
        return next(table for table in self.tables if table.name == name)

    def is_declared(self, resource: str) -> bool:
        """Tell whether a resource has tables of its own."""
        return self.tables_of(resource) != (DOCUMENT_VALUES,)

    def infers(self, resource: str) -> bool:
        """Tell whether the tables of a resource follow from its documents, because nobody declared any."""
        return self.kind != POKEAPI and all(table.is_inferred for table in self.tables_of(resource))

    def keeps_order(self, resource: str) -> bool:
        """Tell whether the order of lists counts in a resource's documents; where nothing is known of them, it does."""
        return self.kind != POKEAPI or resource in ORDERED


@cache
def catalog_of(kind: str, inferred: tuple[InferredTable, ...] = (), settings: bytes = b"") -> Catalog:
    """Return the catalog of a kind of source: its declared tables, and those that were inferred from its documents.

    `settings` are those of the source that declare tables.

    Raises:
        LakeError: An installed package offers other things than tables.
    """
    declared = TABLES if kind == POKEAPI else installed_tables(kind)
    made = tuple(table.table() for table in inferred)
    return Catalog(kind, (*declared, *made), settings)
