"""Corpora that are made of another one: grown, and changed upstream."""

import json
import re
from collections import Counter
from pathlib import Path

from bench.archive import write_archive
from bench.change import CHANGES, changed, choose
from bench.grow import DOMAINS, grown
from flows.local.replica import Corpus, demo_documents, open_corpus
from tests.lake.assemble.lakeside import only


def test_each_reference_in_a_grown_corpus_leads_somewhere():
    """Those of its copies lead to copies, and nothing leads to a document that is not there."""
    files = dict(grown(demo_documents().items(), 3, DOMAINS["all"]))
    led_to = {match.decode() for body in files.values() for match in re.findall(rb'"/api/v2/([^"]+?)/?"', body)}
    assert led_to - files.keys() - {path.partition("/")[0] for path in files} == set()
    assert b'"/api/v2/pokemon-species/200025/"' in files["pokemon/200025"]
    assert b'"/api/v2/pokemon/200025/encounters"' in files["pokemon/200025"]
    assert json.loads(files["pokemon/200025"])["name"] == "pikachu-copy-2"


def test_only_the_domain_grows_and_the_replica_serves_it(tmp_path: Path):
    documents = demo_documents()
    target = tmp_path / "grown.tar"
    count = write_archive(grown(documents.items(), 2, DOMAINS["pokemon"]), target)
    corpus = open_corpus(target)
    assert len(corpus) == count
    before, after = (Counter(path.partition("/")[0] for path in paths) for paths in (documents, corpus.paths()))
    doubled = {resource for resource in before if resource and after[resource] == 2 * before[resource]}
    assert doubled == set(DOMAINS["pokemon"])
    assert len(corpus.listings["pokemon"]) == 2 * len(Corpus.from_documents(documents).listings["pokemon"])
    assert corpus.version_hash != Corpus.from_documents(documents).version_hash


def test_the_same_thirteen_documents_of_six_resources_change_each_time():
    documents = demo_documents()
    chosen = choose(documents.items())
    after = dict(changed(documents.items(), chosen))
    assert chosen == choose(demo_documents().items())
    assert {path for path in after if after[path] != documents[path]} == {*chosen, "meta"}
    assert len(chosen) == 13
    assert {path.partition("/")[0] for path in chosen} == CHANGES.keys()


def test_resources_that_are_not_there_do_not_change():
    assert choose(only(demo_documents(), "generation", "type").items()) == []
