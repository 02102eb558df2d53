"""Verifying: whatever differs from what commits say is found and named, and nothing else is."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from lake.catalogued import note_snapshot
from lake.commit import head
from lake.errors import StoreError
from lake.layout import commit_key, file_key, forgotten_key, snapshot_folder
from lake.publish import foreign
from lake.publish.damage import TOLD, Kind, UnsoundError, Verification
from lake.publish.foreign import YOUNG, Origin
from lake.publish.garbage import find_expired, forget
from lake.publish.verify import verify
from lake.store import Store
from tests.lake import keys
from tests.lake.publish.killing import NEW, OLD, RIVAL, Interrupted, publish
from tests.lake.publish.littering import DAY, age, chain, flip, put
from tests.tried import tried

OLDER = YOUNG + DAY
POKEMON, TYPES = "pokemon/generation=1/part-0.parquet", "types/part-0.parquet"


class Told(Counter[str]):
    """What progress was told: how many steps there are of each sort of work, and how many are done."""

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        self[f"{what} in all"] = total

        def advance(done: int) -> None:
            self[what] += done

        yield advance


def look(store: Store, *snapshots: str) -> Verification:
    return verify(store, Told().progress, snapshots or None)


def found(store: Store, *snapshots: str) -> set[tuple[Kind, str]]:
    """Return the kind and the place below the lake's folder of everything that is damaged."""
    return {(one.kind, one.where.removeprefix(store.uri())) for one in look(store, *snapshots).damages}


def of(snapshot: str, name: str) -> str:
    return f"{snapshot_folder(snapshot)}{name}"


@pytest.fixture
def three(store: Store) -> Store:
    """Return a lake of three snapshots of two files each."""
    chain(store, 90, 40, 20)
    return store


def test_a_whole_lake_is_said_to_be_whole_and_all_of_it_was_read(three: Store):
    told = Told()
    whole = verify(three, told.progress)
    assert whole.is_sound
    assert (whole.commits, whole.snapshots, whole.files) == (3, (OLD, NEW, RIVAL), 12)
    assert whole.bytes == sum(item.size for one in (OLD, NEW, RIVAL) for item in three.list(snapshot_folder(one)))
    assert whole.line().startswith("whole: 12 files of 3 snapshots, ")
    assert told == {"commits": 3, "commits in all": 3, "files": 12, "files in all": 12}
    assert (whole.paragraphs(), whole.facts()["sound"]) == ([], True)
    whole.require_sound()


def test_an_empty_lake_is_whole(store: Store):
    assert look(store).is_sound


def test_a_flipped_bit_is_found_in_the_snapshots_that_are_read(three: Store):
    flip(three, of(RIVAL, TYPES))
    flip(three, of(OLD, POKEMON))
    assert found(three, RIVAL) == {(Kind.CONTENT, of(RIVAL, TYPES))}
    assert found(three) == {(Kind.CONTENT, of(RIVAL, TYPES)), (Kind.CONTENT, of(OLD, POKEMON))}


def test_a_file_that_is_gone_or_has_another_size_is_found_in_every_snapshot(three: Store):
    three.delete([of(OLD, TYPES), of(RIVAL, POKEMON)])
    three.create(of(RIVAL, POKEMON), b"short")
    assert found(three, RIVAL) == {(Kind.MISSING, of(OLD, TYPES)), (Kind.SIZE, of(RIVAL, POKEMON))}


def test_each_damage_is_a_paragraph_that_says_where_what_and_what_to_do(three: Store):
    flip(three, of(RIVAL, TYPES))
    three.delete([of(OLD, TYPES)])
    with pytest.raises(UnsoundError) as caught:
        look(three).require_sound()
    first, *paragraphs = str(caught.value).split("\n- ")
    assert first.startswith(f"damaged: 2 findings in {three.uri()} (1 missing, 1 content); 12 files of 3 snapshots")
    [old, new] = paragraphs
    assert old.startswith(f"{three.uri(of(OLD, TYPES))}: expected an object, found none; published files never change")
    assert f"{three.uri(of(RIVAL, TYPES))}: expected the content with SHA-256 " in new
    assert "run `pokelake verify --repair --bucket lake --prefix pokelake`" in new
    [_, facts] = caught.value.found.facts()["damaged"]
    assert {name: facts[name] for name in ("kind", "snapshot", "table")} == {
        "kind": "content",
        "snapshot": RIVAL,
        "table": "types",
    }
    assert caught.value.found.damaged(RIVAL).keys() == {"types"}


def test_an_object_that_comes_damaged_once_is_read_again(three: Store, monkeypatch: pytest.MonkeyPatch):
    digest, spoilt = Store.digest, []

    def damaged(self: Store, key: str) -> tuple[int, str] | None:
        found = digest(self, key)
        if found and len(spoilt) < 3:
            spoilt.append(key)
            return found[0], "0" * 64
        return found

    monkeypatch.setattr(Store, "digest", damaged)
    assert look(three).is_sound
    assert len(spoilt) == 3


def test_an_object_in_the_folder_of_a_table_is_damage_because_readers_of_the_path_read_it(three: Store):
    three.create(of(OLD, "types/part-1.parquet"), b"rows of somebody")
    assert found(three, RIVAL) == {(Kind.STRAY, of(OLD, "types/part-1.parquet"))}


def test_an_object_that_is_no_commit_is_named_and_the_gap_that_it_leaves_is_not(three: Store):
    body = three.get(commit_key(2))
    three.delete([commit_key(2)])
    three.create(commit_key(2), body[:50])
    assert found(three) == {(Kind.NO_COMMIT, commit_key(2))}
    three.create("commits/9999999999.json", b"{}")
    assert found(three) == {(Kind.NO_COMMIT, commit_key(2)), (Kind.NO_COMMIT, commit_key(9999999999))}
    assert "`maintain` stops until then" in look(three).paragraphs()[0]


def test_a_commit_that_was_deleted_is_named_by_the_one_that_follows_it(three: Store):
    three.delete([commit_key(2)])
    found = look(three)
    [damage] = found.damages
    assert (damage.kind, damage.where) == (Kind.LOST_COMMIT, three.uri(commit_key(3)))
    assert damage.expected == f"the commit of {NEW}, which it follows, before it"
    assert found.foreign == ()


def test_numbers_that_were_passed_over_break_nothing(three: Store):
    last = head(three)
    assert last is not None
    three.delete([commit_key(3)])
    three.create(commit_key(7), replace(last, seq=7).to_json())
    assert look(three).is_sound


def test_what_maintain_forgot_is_no_damage_and_is_named_as_forgotten(three: Store):
    forget(three, find_expired(three, 30 * DAY))
    three.create(forgotten_key(NEW), b"a copy of a commit that an interrupted maintain made")
    whole = look(three)
    [left] = whole.foreign
    assert (left.where, left.origin) == (three.uri(of(OLD, "")), Origin.FORGOTTEN)
    assert "`maintain` has forgotten this snapshot; it goes with the first `maintain` after the grace" in str(left)
    assert (whole.is_sound, whole.line().endswith("; 1 forgotten snapshot, which maintain removes")) == (True, True)
    age(three, snapshot_folder(OLD), OLDER)
    assert "look whether `maintain` runs, which removes it" in look(three).paragraphs()[0]


def test_every_snapshot_that_was_forgotten_is_named(three: Store):
    forget(three, find_expired(three, keep=1))
    assert [(one.where, one.origin) for one in look(three).foreign] == [
        (three.uri(of(OLD, "")), Origin.FORGOTTEN),
        (three.uri(of(NEW, "")), Origin.FORGOTTEN),
    ]


def test_what_lies_beside_the_folders_of_the_lake_is_counted_and_harms_nobody(three: Store):
    put(three, "whatever/x.txt", "whatever/deep/y.txt", "other/lake/commits/0000000001.json", "z.txt", ago=OLDER)
    put(three, "staging/0123456789abcdef/item-0001", ago=OLDER)
    whole = look(three)
    assert whole.is_sound
    assert [(one.where.removeprefix(three.uri()), one.objects) for one in whole.foreign] == [
        ("z.txt", 1),
        ("other/", 1),
        ("whatever/", 2),
    ]
    assert ["another lake" in str(one) for one in whole.foreign] == [False, True, False]
    assert whole.line().endswith("; 3 foreign places")


def test_a_lake_at_the_root_of_a_bucket_takes_no_other_one_as_damage(three: Store, client: Any):
    found = look(Store("lake", "", client))
    assert [(one.where, one.origin) for one in found.foreign] == [(three.uri(), Origin.BESIDE)]
    assert "; another lake lies there" in str(found.foreign[0])
    assert found.is_sound


def test_a_folder_beside_the_lake_is_not_counted_to_its_end(three: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(foreign, "_COUNTED", 3)
    put(three, *(f"whatever/{number}" for number in range(5)))
    [beside] = look(three).foreign
    assert f"{three.uri('whatever/')}: more than 3 objects with 3 bytes" in str(beside)


def test_who_may_not_list_the_bucket_verifies_the_lake(three: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Store, "top", Mock(side_effect=StoreError("AccessDenied")))
    assert look(three).is_sound


def test_an_object_that_is_nobodys_is_no_leftover(three: Store):
    put(three, "snapshots/notes.txt", "commits/readme.txt", ago=DAY)
    whole = look(three)
    assert (whole.is_sound, whole.line().endswith("; 2 foreign places")) == (True, True)


def test_a_note_of_what_a_catalog_names_is_no_leftover(three: Store):
    note_snapshot(three, "123456789012.us-east-1.pokemon", OLD)
    age(three, "snapshots/catalogs/", OLDER)
    assert look(three).foreign == ()


def test_a_young_leftover_is_named_and_alarms_nobody(three: Store):
    name = "20260809T041200Z-00000000"
    put(three, of(name, TYPES), ago=timedelta(hours=1))
    whole = look(three)
    [left] = whole.foreign
    assert (left.where, left.objects, left.is_young) == (three.uri(of(name, "")), 1, True)
    assert (whole.is_sound, whole.paragraphs()) == (True, [])
    assert whole.facts()["foreign"][0]["young"] is True
    assert "1 young leftover for maintain" in whole.line()


@pytest.mark.parametrize(
    ("key", "where", "advice"),
    [
        (of("20260809T041200Z-00000000", TYPES), of("20260809T041200Z-00000000", ""), "look whether `maintain` runs"),
        ("snapshots/readme.txt", "snapshots/readme.txt", "find out who did, and delete it"),
        ("snapshots/catalogs/mine", "snapshots/catalogs/", "find out who did, and delete it"),
        ("snapshots/mine/a/b", "snapshots/mine/", "find out who did, and delete it"),
        (of(OLD, "readme.txt"), of(OLD, "readme.txt"), "find out who did, and delete it"),
        ("commits/readme.txt", "commits/readme.txt", "find out who did, and delete it"),
    ],
)
def test_an_old_object_that_no_commit_names_is_named_and_alarms(three: Store, key: str, where: str, advice: str):
    put(three, key, ago=OLDER)
    unsound = look(three)
    assert (unsound.is_sound, unsound.damages) == (False, ())
    [paragraph] = unsound.paragraphs()
    assert paragraph.startswith(f"{three.uri(where)}: 1 object with 1 byte that no commit names")
    assert advice in paragraph


def test_a_long_list_is_cut_and_says_how_many_more_there_are(three: Store):
    put(three, *(f"snapshots/mine-{number:02}/a" for number in range(TOLD + 2)), ago=OLDER)
    with pytest.raises(UnsoundError, match=r"- and 2 more; --json has all$"):
        look(three).require_sound()


def test_what_is_published_or_forgotten_meanwhile_is_whole_at_whatever_request(client, store, subtests):
    """Neither a snapshot whose commit came after the listing nor one that `maintain` forgets looks damaged."""
    counted = Interrupted(client, 0, lambda: None, "before")
    chain(store, 90, 40)
    look(Store("lake", store.prefix, counted))

    for at in tried(range(1, counted.requests + 1)):
        with subtests.test(at=at):
            place = Store("lake", str(at), client)
            chain(place, 90, 40)

            def meanwhile(place: Store = place) -> None:
                publish(place, RIVAL, head(place))
                forget(place, find_expired(place, 30 * DAY))
                place.delete(keys(place, snapshot_folder(OLD)))

            found = look(Store("lake", place.prefix, Interrupted(client, at, meanwhile, "before")))
            assert found.paragraphs() == []
            assert found.foreign == ()


def test_verifying_writes_nothing(three: Store):
    flip(three, file_key(RIVAL, "types", "part-0.parquet"))
    before = {(item.key, item.modified) for item in three.list("")}
    look(three)
    assert {(item.key, item.modified) for item in three.list("")} == before
