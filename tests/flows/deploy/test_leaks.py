"""What looks like a secret stops a push before anything is sent."""

from pathlib import Path

import pytest

from flows.deploy.code import collect
from lake.errors import LakeError
from tests.flows.deploy.conftest import write


@pytest.mark.parametrize(
    "name",
    [".env", ".env.production", "lake.pem", "id_rsa", "ID_ED25519", "credentials", "credentials.json", "tls.key"],
)
def test_a_file_named_like_a_secret_stops_the_push(root: Path, name: str):
    """Although no such file is on the list: the next one to lengthen the list would push it."""
    write(root / "flows" / "deep" / name, "x")
    with pytest.raises(LakeError, match=f"flows/deep/{name}: the name of a file with secrets"):
        collect(root)


# Put together here, or the scanners of others would find them in this file.
SECRETS = {
    "an AWS access key": "key = 'AKIA" + "IOSFODNN7EXAMPLE'",
    "an AWS secret": "AWS_SECRET_ACCESS_KEY" + '": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a Prefect API key": "pnu_" + "0123456789abcdefghijklmnopqrstuvwxyz",
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("path", ["flows/refresh.py", "flows/steps/__init__.py", "lake/store.py"])
def test_content_like_a_secret_stops_the_push(root: Path, path: str, kind: str):
    write(root / path, f"one\ntwo\n  {SECRETS[kind]}\n")
    with pytest.raises(LakeError) as caught:
        collect(root)
    assert f"- {path}, line 3: looks like {kind}" in str(caught.value)
    assert SECRETS[kind] not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ['"AWS_SECRET_ACCESS_KEY": "testing"', "aws_secret_access_key=block.key.get_secret_value()", "AKIAK", "pnu_x"],
)
def test_what_only_speaks_of_secrets_is_pushed(root: Path, text: str):
    write(root / "flows" / "refresh.py", text)
    assert collect(root).files["flows/refresh.py"] == text.encode()
