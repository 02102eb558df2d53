"""The compose file of a Prefect server of one's own; that its images start can be seen with Docker alone."""

from typing import Any

import yaml
from prefect.settings import Settings

from tests.flows.deploy.conftest import REPOSITORY


def _services() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((REPOSITORY / "flows/deploy/compose.yaml").read_text())["services"]
    return made


def _variables(settings: type[Any]) -> set[str]:
    """Return the names of all environment variables that Prefect's settings are read from."""
    prefix = settings.model_config.get("env_prefix", "")
    names = set[str]()
    for name, field in settings.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            names |= _variables(field.annotation)
        aliases = getattr(field.validation_alias, "choices", [])
        names |= {prefix + name} | {alias for alias in aliases if isinstance(alias, str)}
    return {name.upper() for name in names}


def test_prefect_reads_every_variable_that_the_server_gets():
    given = {name for name in _services()["server"]["environment"] if name.startswith("PREFECT_")}
    assert len(given) > 5
    assert given <= _variables(Settings)


def test_nobody_but_the_machine_itself_reaches_the_server_without_a_proxy():
    services = _services()
    assert all(port.startswith("127.0.0.1:") for port in services["server"]["ports"])
    assert "ports" not in services["database"]


def test_leases_and_data_outlive_their_containers():
    services = _services()
    assert services["server"]["environment"]["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith(".filesystem")
    home = (REPOSITORY / "Dockerfile").read_text().partition("PREFECT_HOME=")[2].split()[0]
    assert services["server"]["volumes"] == [f"leases:{home}"]
    # A volume takes the owner of the image's folder, and without one it would be root's.
    assert home in (REPOSITORY / "Dockerfile").read_text().partition("install --directory")[2].splitlines()[0]
    assert services["database"]["volumes"]


def test_the_server_is_built_from_the_lock():
    build = _services()["server"]["build"]
    assert (REPOSITORY / "flows/deploy" / build["context"]).resolve() == REPOSITORY.resolve()
