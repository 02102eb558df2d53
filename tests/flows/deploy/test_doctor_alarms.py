"""`pokelake doctor` on the automations: each lake has its own, and they watch over it alone."""

from prefect.automations import AutomationCore
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.variables import Variable
from prefect_aws import S3Bucket

from blocks.lakes import LAKES
from blocks.names import Names
from blocks.storage import load_block
from flows.deploy.automations import automations, find_told, save_automations
from tests.flows.deploy.whole import Whole

MOON = Names("moon")


def begin_moon(whole: Whole, folder: str) -> None:
    """Save what says that a second lake lies in a folder of the bucket."""
    Variable.set(LAKES, {MOON.lake: "pokeapi"})
    whole.undo.callback(Variable.unset, LAKES)
    first = load_block(S3Bucket, "pokelake")
    S3Bucket(bucket_name="lake", bucket_folder=folder, credentials=first.credentials).save(MOON.lake)
    whole.undo.callback(S3Bucket.delete, MOON.lake)


def test_an_automation_that_is_switched_off_and_one_that_is_gone(whole: Whole):
    [off] = whole.client.read_automations_by_name("pokelake-heartbeat-lost")
    whole.client.pause_automation(off.id)
    whole.undo.callback(whole.client.resume_automation, off.id)
    [gone] = whole.client.read_automations_by_name("pokelake-not-current")
    whole.client.delete_automation(gone.id)
    whole.undo.callback(save_automations, whole.store().uri())
    check = whole.failure()
    assert check.name == "automations"
    assert check.mend == f"`prefect automation resume --id {off.id}`\n`pokelake setup`"


def test_a_notification_block_that_was_deleted(whole: Whole):
    """Nobody would ever hear of it otherwise."""
    assert whole.examine()["messages"].status == "skipped"
    block = CustomWebhookNotificationBlock(name="hook", url="http://127.0.0.1:9/")
    block.save("oncall")
    lake = whole.store().uri()
    save_automations(lake, find_told(whole.client, ["custom-webhook/oncall"]))
    whole.undo.callback(save_automations, lake)
    check = whole.examine()["messages"]
    assert (check.status, check.found) == ("ok", "to custom-webhook/oncall")
    CustomWebhookNotificationBlock.delete("oncall")
    check = whole.failure()
    assert (check.name, check.mend) == ("messages", "`pokelake setup --notify TYPE/NAME`")


def test_an_alarm_that_watches_over_another_lake(whole: Whole):
    """So a second lake, which an earlier version set up under the same names, left that of the first."""
    whole.undo.callback(save_automations, whole.store().uri())
    save_automations("s3://lake/moon/")
    check = whole.failure()
    assert (check.name, check.mend) == ("alarms", "`pokelake setup`")
    assert check.found == "pokelake-not-current does not watch over s3://lake/pokelake/, or not over this lake alone"


def test_a_second_lake_beside_this_one_has_alarms_of_its_own(whole: Whole):
    begin_moon(whole, "moon")
    save_automations("s3://lake/moon/", names=MOON)
    for item in whole.client.read_automations():
        if item.name.endswith(MOON.suffix):
            whole.undo.callback(whole.client.delete_automation, item.id)
    check = whole.examine()["alarms"]
    assert (check.status, check.found) == ("ok", "those of pokelake watch over s3://lake/pokelake/ alone, beside moon")


def test_a_second_lakes_alarm_that_watches_over_this_one(whole: Whole):
    begin_moon(whole, "moon")
    [alarm] = [item for item in automations(whole.store().uri()) if item.name == "pokelake-not-current"]
    changed = {**alarm.model_dump(), "name": MOON.own(alarm.name)}
    made = whole.client.create_automation(AutomationCore(**changed))
    whole.undo.callback(whole.client.delete_automation, made)
    check = whole.failure()
    assert (check.name, check.mend) == ("alarms", "`pokelake setup --lake moon`")
    assert check.found == "pokelake-not-current-moon, which is of the lake moon, watches over this one"


def test_two_lakes_in_one_place(whole: Whole):
    begin_moon(whole, "pokelake/")
    check = whole.failure()
    assert check.found == "the lake moon lies in s3://lake/pokelake/ as well, so one alarm stands for both"
    assert check.mend == "`pokelake setup --lake moon --bucket lake --prefix FOLDER`, a folder of its own"
