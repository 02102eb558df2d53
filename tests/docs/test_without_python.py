"""How the protocol says that a snapshot is found without Python, and what it says about events."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import boto3
import duckdb
import pytest

from lake.store import Store
from tests.docs import code_blocks
from tests.docs.small_lake import publish_small_lake
from tests.lake.read import SECOND

PROTOCOL = "docs/protocol.md"


@pytest.fixture
def lake(store: Store) -> Store:
    """Publish two snapshots."""
    publish_small_lake(store)
    return store


def run(commands: str, folder: Path) -> str:
    """Run commands of a document in a folder, with the AWS CLI of this environment."""
    environment = {
        **os.environ,
        "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}",
        "POKELAKE_BUCKET": "lake",
        "POKELAKE_PREFIX": "pokelake",
    }
    said = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert said.returncode == 0, f"{commands}\n{said.stderr}"
    return said.stdout


@pytest.mark.tool
def test_the_aws_cli_finds_the_current_snapshot(lake: Store, tmp_path: Path):
    [commands] = code_blocks(PROTOCOL, "sh", "Without Python")
    assert run(f"{commands}\necho now $KEY $SNAPSHOT", tmp_path).endswith(
        f"now pokelake/commits/0000000002.json {SECOND}\n"
    )
    [file] = tmp_path.glob("pokemon/*/*.parquet")
    assert file.relative_to(tmp_path).as_posix() == "pokemon/generation=1/part-0.parquet"
    assert file.read_bytes() == lake.get(f"snapshots/{SECOND}/{file.relative_to(tmp_path).as_posix()}")


@pytest.mark.tool
def test_the_cli_finds_it_among_more_commits_than_one_page_lists(lake: Store, tmp_path: Path):
    find, _, _ = code_blocks(PROTOCOL, "sh", "Without Python")[0].partition("SNAPSHOT=")
    small_pages = find.replace("list-objects-v2", "list-objects-v2 --page-size 1")
    assert small_pages != find
    assert run(f"{small_pages}\necho $KEY", tmp_path) == "pokelake/commits/0000000002.json\n"


def test_duckdb_alone_finds_the_current_snapshot(lake: Store, tmp_path: Path):
    """On a copy of the lake, because the extension that reads S3 is no part of the lock."""
    for item in lake.list(""):
        (tmp_path / item.key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / item.key).write_bytes(lake.get(item.key))
    extension, query = code_blocks(PROTOCOL, "sql", "Without Python")
    assert "httpfs" in extension
    with duckdb.connect() as connection:
        for statement in query.replace("s3://my-bucket/pokelake", str(tmp_path)).split(";")[:-1]:
            answer = connection.sql(statement)
        assert answer.fetchall() == [("pikachu", 4)]
        assert connection.sql("select getvariable('current')").fetchall() == [(f"{tmp_path}/snapshots/{SECOND}",)]


@pytest.mark.tool
def test_the_rule_matches_the_events_of_commits_alone(lake: Store, tmp_path: Path):
    """S3 says to EventBridge what it created; the rule's target here is a queue."""
    [commands] = code_blocks(PROTOCOL, "sh", "When a snapshot is published")
    run(commands, tmp_path)
    [rule] = boto3.client("events").list_rules()["Rules"]
    queues = boto3.client("sqs")
    queue = queues.create_queue(QueueName="commits")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("events").put_targets(Rule=rule["Name"], Targets=[{"Id": "queue", "Arn": arn}])
    lake.create("commits/0000000003.json", b"{}")
    lake.create("snapshots/x/part-0.parquet", b"x")
    received = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    keys = [json.loads(message["Body"])["detail"]["object"]["key"] for message in received]
    assert keys == ["pokelake/commits/0000000003.json"]
