"""The data dictionary, ``docs/tables.md``, made of the declarations of the tables and of ``docs/caveats.toml``."""

import importlib
import json
import pkgutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence

from lake.documents import DOCUMENT_INDEX, DOCUMENTS, DOCUMENTS_PARTITION
from lake.schema import GENERATION, Field, Table, split_null
from lake.tables import TABLES, pokeapi
from lake.views import VIEWS
from tests.docs import REPOSITORY

CAVEATS = REPOSITORY / "docs/caveats.toml"

OTHERS = "Tables of every source"

VIEWS_TITLE = "Ready views"


_ABOUT_VIEWS = (
    "Questions that are asked often. Views have no files: they are made of tables when somebody asks, so any"
    " snapshot with those tables has them, also one from before they were declared. `lake.read`, `lake.sql`,"
    " `lake.connect` and `lake.columns` take them as tables; `lake.path`, `lake.dataset` and `lake.diff` do not."
    " [Twenty questions](cookbook.md) show what they are good for."
)


def dictionary() -> str:
    """Return the page."""
    notes = tomllib.loads(CAVEATS.read_text(encoding="utf-8"))
    families = {title: (about, tables) for title, about, tables in _families()}
    lines = [
        "# Tables",
        "",
        "<!-- Written by `make docs` from lake/tables and docs/caveats.toml: change those. -->",
        "",
        f"A snapshot of PokeAPI has {len(TABLES)} tables: all below but `document_values`. That one comes with the"
        " first collection for which no table is declared, and stays. This page says what the current code writes, and"
        f" which {len(VIEWS)} [ready views](#{_anchor(VIEWS_TITLE)}) it makes of the tables."
        ' `pokelake columns pokemon` and `lake.columns("pokemon")` say the same of any snapshot, from its own files.',
        "",
        "*Key* is the primary key, which no two rows share and which is never null. *Null* says what null means; where"
        " it says nothing, no null is expected, and the audits of a snapshot report one that comes. *Stand-ins* are"
        " values that are no such thing as the others of the column: keep them out of sums and averages. *References*"
        " is the resource whose id a column holds, with a link to its table. Types are Arrow's.",
        "",
        "## Before you start",
        "",
        *(f"- {note}" for note in notes["everywhere"]),
        "",
        "## Contents",
        "",
        *(f"- [{title}](#{_anchor(title)}): {_listed(tables)}" for title, (_, tables) in families.items()),
        f"- [{VIEWS_TITLE}](#{_anchor(VIEWS_TITLE)}): {_listed([view.table for view in VIEWS.values()])}",
    ]
    targets = _targets()
    for title, (about, tables) in families.items():
        lines += ["", f"## {title}", "", about]
        for table in tables:
            lines += ["", *_table(table, notes["tables"].get(table.name, ()), targets)]
    lines += ["", f"## {VIEWS_TITLE}", "", _ABOUT_VIEWS]
    for view in VIEWS.values():
        lines += ["", *_table(view.table, (), targets, view.needs)]
    return "\n".join(lines) + "\n"


def _families() -> Iterator[tuple[str, str, Sequence[Table]]]:
    """Yield the heading, the subject and the tables of each module of declarations, in the order of `TABLES`."""
    found = []
    for name in (info.name for info in pkgutil.iter_modules(pokeapi.__path__)):
        module = importlib.import_module(f"{pokeapi.__name__}.{name}")
        declared = (*getattr(module, "TABLES", ()), *vars(module).values())
        if tables := [table for table in TABLES if table in declared]:
            found.append((f"Tables of {name}", (module.__doc__ or "").partition("\n")[0], tables))
    yield from sorted(found, key=lambda family: TABLES.index(family[2][0]))
    placed = [table for _, _, tables in found for table in tables]
    rest = [DOCUMENTS, DOCUMENT_INDEX, *(table for table in TABLES if table not in placed)]
    about = "Documents as received, an index of them, and the values of documents that no table above is declared for."
    yield OTHERS, about, rest


def _targets() -> Mapping[str, str]:
    """Return the table whose rows are a resource's documents, by the resource."""
    return {
        table.resources[0]: table.name
        for table in TABLES
        if len(table.resources) == 1 and len(table.primary_key) == 1 and not table.rows
    }


def _table(
    table: Table, caveats: Sequence[str], targets: Mapping[str, str], needs: Sequence[str] = ()
) -> Iterator[str]:
    yield from (f"### {table.name}", "", f"{table.grain[0].upper()}{table.grain[1:]}.", "")
    yield f"- Key: {', '.join(f'`{name}`' for name in table.primary_key)}"
    if table.partition:
        yield f"- Partition: `{table.partition}`, equal to `{GENERATION}`"
    if table is DOCUMENTS:
        yield f"- Partition: `{DOCUMENTS_PARTITION}`, equal to `{table.primary_key[0]}`"
    if table.source:
        yield f"- Source: `{table.source}`"
    if needs:
        yield f"- Made of: {', '.join(f'[{name}](#{_anchor(name)})' for name in needs)}"
    yield from (f"- **Caveat:** {caveat}" for caveat in caveats)
    yield from ("", "| column | type | unit | meaning | null | stand-ins | references |", f"|{' --- |' * 7}")
    yield from (_row(field, targets) for field in table.fields)


def _row(field: Field, targets: Mapping[str, str]) -> str:
    meaning, null = split_null(field.description)
    references = field.references
    if references in targets:
        references = f"[{references}](#{_anchor(targets[references])})"
    stand_ins = "; ".join(f"`{json.dumps(value)}` {said}" for value, said in field.stand_ins)
    cells = (f"`{field.name}`", f"`{field.type}`", field.unit, meaning, null or "", stand_ins, references)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _listed(tables: Sequence[Table]) -> str:
    return ", ".join(f"[{table.name}](#{_anchor(table.name)})" for table in tables)


def _anchor(heading: str) -> str:
    """Return the name under which Markdown's readers find a heading."""
    return heading.lower().replace(" ", "-")
