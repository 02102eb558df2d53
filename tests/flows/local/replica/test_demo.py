"""The demo corpus: documents that PokeAPI could have served, referring only to each other."""

import json
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.local.replica import Corpus, demo_documents, open_corpus
from flows.local.replica.corpus import API, DEMO
from flows.local.replica.pack import sealed

Documents = dict[str, Any]


@pytest.fixture(scope="module")
def demo() -> Documents:
    return {path: json.loads(body) for path, body in demo_documents().items()}


def references(value: Any) -> Iterator[tuple[str, str | None]]:
    """Yield every URL of the API inside a document, with the name beside it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and (key == "url" or inner.startswith(API)):
                yield inner, value.get("name") if key == "url" else None
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_resolves_to_a_document_of_that_name(demo: Documents):
    met = [(path, url, name) for path, document in demo.items() for url, name in references(document)]
    broken = [
        (path, url, name)
        for path, url, name in met
        if (found := demo.get(url.removeprefix(API).removesuffix("/"))) is None
        or (name is not None and found["name"] != name)
    ]
    assert broken == []
    assert len(met) > 10_000


def test_a_document_lies_at_the_path_of_its_id(demo: Documents):
    ids = {path: document["id"] for path, document in demo.items() if path.count("/") == 1}
    assert [path for path, id_ in ids.items() if path.split("/")[1] != str(id_)] == []
    others = {f"pokemon/{pokemon.split('/')[1]}/encounters" for pokemon in ids if pokemon.startswith("pokemon/")}
    assert demo.keys() - ids.keys() == others | {"meta"}


def test_each_resource_lists_all_its_documents_and_finds_each_by_its_name(demo: Documents):
    corpus = open_corpus("demo")
    expected = Counter(path.split("/")[0] for path in demo if path.count("/") == 1)
    assert {resource: len(entries) for resource, entries in corpus.listings.items()} == expected
    named = {path: f"{path.split('/')[0]}/{document['name']}" for path, document in demo.items() if "name" in document}
    assert [path for path, name in named.items() if corpus.canonical(name) != path] == []


def test_stand_ins_for_null_occur(demo: Documents):
    """Readers that would trip over them in the real corpus should trip in the demo, too."""
    assert demo["pokemon-species/132"]["gender_rate"] == -1
    assert demo["pokemon/10196"]["order"] == -1
    assert demo["move-ailment/-1"]["moves"]
    assert demo["pokemon/25"]["past_abilities"][0]["abilities"] == [{"ability": None, "is_hidden": True, "slot": 3}]


def test_documents_are_minified_and_meta_has_a_hash_of_the_others(demo: Documents):
    pretty = [(path, json.dumps(document, indent=4).encode()) for path, document in demo.items()]
    assert sealed(pretty) == demo_documents()


def test_an_edited_document_is_packed_as_a_new_version(tmp_path: Path):
    folder, archive = tmp_path / "edited", tmp_path / "edited.tar.xz"
    with tarfile.open(DEMO) as shipped:
        shipped.extractall(folder, filter="data")
    document = folder / "data/api/v2/pokemon/25/index.json"
    document.write_text(json.dumps({**json.loads(document.read_bytes()), "height": 5}, indent=4))
    subprocess.run([sys.executable, "-m", "flows.local.replica.pack", folder, archive], check=True)

    before, after = open_corpus("demo"), Corpus.open(archive)
    changed = [path for path in before.paths() if before.document(path) != after.document(path)]
    assert sorted(changed) == ["meta", "pokemon/25"]
    assert after.document("pokemon/25") == before.document("pokemon/25").replace(b'"height":4,', b'"height":5,')
    assert after.version_hash != before.version_hash
    with tarfile.open(DEMO) as shipped, tarfile.open(archive) as packed:
        same = [[(member.name, member.mode, member.mtime, member.uid) for member in tar] for tar in (shipped, packed)]
    assert same[0] == same[1]


def test_the_replica_needs_neither_prefect_nor_the_lake():
    program = "import flows.local.replica.pack, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert [name for name in loaded.split() if name.split(".")[0] in {"prefect", "lake", "blocks"}] == []
