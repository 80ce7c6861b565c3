"""TLS: whom the bridge trusts, how it shows who it is, and where its files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drivers import mqtt
from drivers.errors import ConnectFailed
from drivers.mqtt.driver import MqttDriver
from drivers.status import Status
from server.config.load import load_plant
from tests.simulators.certificates import Authority, Pair
from tests.simulators.mqtt_broker import MqttBroker


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def localhost(authority: Authority) -> Pair:
    """The broker's certificate."""
    return authority.sign("localhost")


def driver(port: int, **settings: Any) -> MqttDriver:
    connection = mqtt.connection_model.model_validate({"host": "localhost", "port": port} | settings)
    return mqtt.create("broker", connection, [])


async def reason(port: int, **settings: Any) -> str:
    """Why connecting fails."""
    one = driver(port, **settings)
    with pytest.raises(ConnectFailed) as caught:
        await one.connect()
    await one.close()
    return str(caught.value)


async def connects(port: int, **settings: Any) -> None:
    one = driver(port, **settings)
    await one.connect()
    await one.close()


async def test_tls_trusts_whom_it_is_told_to_trust(
    observe: Any, tag: Any, authority: Authority, localhost: Pair
) -> None:
    with MqttBroker(tls=(authority.cert, *localhost)) as broker:
        tags = [tag(0, topic="t", write_topic="t", writable=True)]
        seen = await observe(broker.port, tags, host="localhost", tls={"ca": authority.cert})
        await seen.driver.write(0, 1.5)
        await seen.until(0, 1.5, Status.Good)
        for number in range(200):
            await seen.driver.write(0, float(number))
        await seen.until(0, 199)
        await seen.stop()
        assert "not trusted" in await reason(broker.port, tls={})
        assert "127.0.0.1" in await reason(broker.port, host="127.0.0.1", tls={"ca": authority.cert})
        await connects(broker.port, host="127.0.0.1", tls={"insecure": True})
        assert "does it want tls" in await reason(broker.port)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_broker_that_wants_a_client_certificate_gets_it(
    observe: Any, tag: Any, authority: Authority, localhost: Pair, tmp_path: Path, version: str
) -> None:
    options = "require_certificate true\nuse_identity_as_username true"
    mine, stranger = authority.sign("bridge"), Authority(tmp_path, "Stranger").sign("bridge")
    acl = "user bridge\ntopic readwrite #\n"
    with MqttBroker(tls=(authority.cert, *localhost), options=options, acl=acl) as broker:
        tls = {"ca": authority.cert, "cert": mine.cert, "key": mine.key}
        tags = [tag(0, topic="t", write_topic="t", writable=True)]
        seen = await observe(broker.port, tags, host="localhost", tls=tls, version=version)
        await seen.driver.write(0, 2.5)
        await seen.until(0, 2.5, Status.Good)
        assert "tls.cert" in await reason(broker.port, tls={"ca": authority.cert}, version=version)
        strange = {"ca": authority.cert, "cert": stranger.cert, "key": stranger.key}
        assert "tls.cert" in await reason(broker.port, tls=strange, version=version)


async def test_tls_to_a_port_without_it_and_files_that_are_not_there(broker: MqttBroker, tmp_path: Path) -> None:
    assert "TLS" in await reason(broker.port, tls={}, connect_timeout_s=1.0)
    assert "TLS file" in await reason(broker.port, tls={"ca": tmp_path / "none"})


def test_tls_has_a_port_of_its_own() -> None:
    assert mqtt.connection_model.model_validate({"host": "x", "tls": {}}).port == 8883
    assert mqtt.connection_model.model_validate({"host": "x", "tls": {}, "port": 1}).port == 1
    assert mqtt.connection_model.model_validate({"host": "x"}).port == 1883


def test_files_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "broker.yaml").write_text(
        "connections:\n  broker: {driver: mqtt, host: x, user: u, password: {file: secret}, "
        "tls: {ca: ../pki/ca.pem, cert: /etc/bridge.pem}}\n"
    )
    (tmp_path / "plant.yaml").write_text(
        "include: [lines/broker.yaml]\nplant: {name: P}\ntwins:\n"
        "  T: {scope: asset, connection: broker, telemetry: {A: {type: Double, point: {topic: a}}}}\n"
    )
    settings = load_plant(tmp_path / "plant.yaml").connections["broker"].settings
    assert settings.password.file == tmp_path / "lines" / "secret"
    assert settings.tls.ca == tmp_path / "lines" / "../pki/ca.pem"
    assert settings.tls.cert == Path("/etc/bridge.pem")
    assert settings.tls.key is None
