"""Reading and making corpora."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from flows.local.replica import Corpus, CorpusError
from tests.flows.local.replica import DOCUMENTS, small_corpus

FILES = {
    "index.json": {"berry": "/api/v2/berry/", "meta": "/api/v2/meta/"},
    "berry/index.json": {
        "count": 2,
        "results": [{"name": "roseli", "url": "/api/v2/berry/2/"}, {"name": "roseli", "url": "/api/v2/berry/1/"}],
    },
    "berry/1/index.json": {"id": 1, "name": "roseli"},
    "berry/2/index.json": {"id": 2, "name": "roseli"},
    "meta/index.json": {"hash": "1f3a9c02", "deploy_date": "1786004122"},
}


def write_folder(data: Path, files: dict[str, object] | None = None) -> Path:
    for name, content in (FILES if files is None else files).items():
        path = data / "api" / "v2" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return data


def write_archive(path: Path, prefix: str = "data/api/v2/") -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, content in FILES.items():
            body = json.dumps(content).encode()
            member = tarfile.TarInfo(f"{prefix}{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path


@pytest.mark.parametrize("given", [".", "data", "data/api/v2"])
def test_a_folder_may_be_given_at_any_level(tmp_path: Path, given: str):
    write_folder(tmp_path / "data")
    corpus = Corpus.open(tmp_path / given)
    assert (len(corpus), corpus.version_hash, corpus.deploy_date) == (2, "1f3a9c02", "1786004122")


def test_an_archive_holds_what_the_folder_holds(tmp_path: Path):
    folder = Corpus.open(write_folder(tmp_path / "data"))
    archive = Corpus.open(write_archive(tmp_path / "api-data.tar.xz"))
    assert set(folder.paths()) == set(archive.paths())
    assert all(folder.document(path) == archive.document(path) for path in folder.paths())
    assert (folder.listings, folder.names) == (archive.listings, archive.names)


def test_the_order_of_a_listing_is_kept(tmp_path: Path):
    corpus = Corpus.open(write_folder(tmp_path))
    assert [entry["url"] for entry in corpus.listings["berry"]] == ["/api/v2/berry/2/", "/api/v2/berry/1/"]


def test_of_two_with_one_name_the_last_listed_has_it(tmp_path: Path):
    assert Corpus.open(write_folder(tmp_path)).canonical("berry/roseli") == "berry/1"


def test_listings_and_index_follow_from_documents():
    corpus = small_corpus()
    assert [entry["url"] for entry in corpus.listings["pokemon"]] == [
        "/api/v2/pokemon/25/",
        "/api/v2/pokemon/132/",
        "/api/v2/pokemon/10100/",
    ]
    assert list(json.loads(corpus.document(""))) == ["machine", "meta", "move-ailment", "pokemon"]
    assert len(corpus) == len(DOCUMENTS) - 1


def test_a_listing_can_be_given_with_the_documents():
    """A test of a crawler may want one that lists what does not exist."""
    listing = json.dumps({"results": [{"url": "/api/v2/berry/7/"}]}).encode()
    corpus = Corpus.from_documents({"berry": listing, "berry/1": b'{"id": 1}'})
    assert corpus.listings["berry"] == ({"url": "/api/v2/berry/7/"},)


def test_documents_are_kept_byte_for_byte():
    body = '{ "id": 1,\n"name":"Flab\u00e9b\u00e9" }'.encode()
    assert Corpus.from_documents({"pokemon/1": body}).document("pokemon/1") == body


@pytest.mark.parametrize("path", ["/pokemon/25", "pokemon/25/", "pokemon/../25", "a/b/c/d"])
def test_a_malformed_path_is_refused(path: str):
    with pytest.raises(CorpusError, match="expected one such as 'pokemon/25'"):
        Corpus.from_documents({path: b"{}"})


def test_a_document_that_is_no_json_is_refused():
    with pytest.raises(CorpusError, match=r"pokemon/25: expected JSON, found b"):
        Corpus.from_documents({"pokemon/25": b"{"})


def test_a_path_where_nothing_is_is_refused(tmp_path: Path):
    with pytest.raises(CorpusError, match="there is nothing at this path"):
        Corpus.open(tmp_path / "nowhere")


def test_a_folder_without_documents_is_refused(tmp_path: Path):
    with pytest.raises(CorpusError, match="found none"):
        Corpus.open(tmp_path)


def test_an_archive_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(CorpusError, match="found none"):
        Corpus.open(write_archive(tmp_path / "other.tar.xz", "photos/"))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("not an archive")
    with pytest.raises(CorpusError, match="expected a whole tar archive"):
        Corpus.open(path)


@pytest.mark.parametrize("kept", [0.3, 0.6])
def test_a_broken_archive_is_refused(tmp_path: Path, kept: float):
    path = write_archive(tmp_path / "api-data.tar.xz")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(CorpusError, match=r"api-data\.tar\.xz: "):
        Corpus.open(path)


def test_a_listed_document_that_is_missing_is_named(tmp_path: Path):
    write_folder(tmp_path, {name: content for name, content in FILES.items() if name != "berry/2/index.json"})
    with pytest.raises(CorpusError, match=r"2 berry listed, 1 of them missing, the first is /api/v2/berry/2/"):
        Corpus.open(tmp_path)


@pytest.mark.parametrize("entry", ["berry", {"name": "roseli"}, {"url": "https://elsewhere.test/api/v2/berry/1/"}])
def test_a_listing_that_leads_elsewhere_is_refused(entry: object):
    listing = json.dumps({"results": [entry]}).encode()
    with pytest.raises(CorpusError, match="expected results with a url below /api/v2/berry/"):
        Corpus.from_documents({"berry": listing})
