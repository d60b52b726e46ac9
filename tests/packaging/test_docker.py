"""What docker/ promises, as far as it can be tried without a Docker engine: files agree, servers take their configurations."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ioc.config.load import load_config
from servers.ports import free_port, listening
from servers.presence import program
from servers.process import ServerProcess
from servers.waiting import PATIENCE_S
from servers.wheel import ROOT

DOCKER = ROOT / "docker"


def run(*command: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A finished command with its output."""
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=cwd, env=env)  # noqa: S603 - our own argv


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file."""
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of docker/ after setup.sh."""
    copy = tmp_path_factory.mktemp("prepared") / "docker"
    shutil.copytree(DOCKER, copy, ignore=shutil.ignore_patterns("secrets"))
    done = run(str(copy / "setup.sh"), "mqtt.example.gov.vn")
    assert done.returncode == 0, done.stderr
    return copy


def test_compose_pins_every_image(compose: dict[str, Any]) -> None:
    """No tag moves by itself: each names a full version."""
    images = [service["image"] for service in compose["services"].values()]
    assert len(images) == 5
    assert [image for image in images if not re.search(r":v?\d+\.\d+\.\d+$", image)] == []


def test_compose_publishes_on_loopback_only(compose: dict[str, Any]) -> None:
    """Nobody outside reaches a port before an operator opens it on purpose."""
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_checks_health_of_every_service(compose: dict[str, Any]) -> None:
    """Each service has a health check, ioc's in its image."""
    unchecked = {name for name, service in compose["services"].items() if "healthcheck" not in service}
    assert unchecked == {"ioc"}
    assert "HEALTHCHECK" in (DOCKER / "Dockerfile").read_text()


def test_compose_reads_secrets_from_files_that_setup_makes(compose: dict[str, Any], prepared: Path) -> None:
    """No secret stands in the file; setup.sh makes each one, behind a folder that only its owner enters."""
    files = [prepared / secret["file"] for secret in compose["secrets"].values()]
    assert [str(path) for path in files if not path.read_text().strip()] == []
    assert (prepared / "secrets").stat().st_mode & 0o077 == 0
    used = {name for service in compose["services"].values() for name in service.get("secrets", ())}
    assert used == set(compose["secrets"])
    values = [
        value
        for service in compose["services"].values()
        for key, value in service.get("environment", {}).items()
        if re.search("PASSWORD|TOKEN|SECRET", key)
    ]
    assert values
    assert all(value.startswith("/run/secrets/") for value in values)


def test_setup_keeps_what_is_there(prepared: Path) -> None:
    """A second run changes no secret."""
    before = {path.name: path.read_bytes() for path in (prepared / "secrets").iterdir()}
    assert run(str(prepared / "setup.sh")).returncode == 0
    assert before == {path.name: path.read_bytes() for path in (prepared / "secrets").iterdir()}


def test_dockerfile_copies_what_exists_and_drops_root() -> None:
    """Every copied path is in the build's context, and the program runs as a user of its own."""
    text = (DOCKER / "Dockerfile").read_text()
    sources = [name for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for name in line.split()[:-1]]
    assert sources
    assert [name for name in sources if not (ROOT / name).exists()] == []
    context = (ROOT / ".dockerignore").read_text().splitlines()
    assert [name for name in sources if not {f"!{name}", "!" + re.sub(r"/[^/]+$", "/*.txt", name)} & set(context)] == []
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1].split(":")[0] not in {"root", "0"}
    assert all(re.search(r":\d+\.\d+\.\d+-slim", image) for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))


@pytest.fixture
def broker(prepared: Path, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Mosquitto on its shipped configuration, with other ports and paths: (TLS port, inner port)."""
    tls, inner = free_port(), free_port()
    secrets = prepared / "secrets"
    text = (prepared / "mosquitto" / "mosquitto.conf").read_text()
    for shipped, here in {
        "listener 8883": f"listener {tls} 127.0.0.1",
        "listener 1883 127.0.0.1": f"listener {inner} 127.0.0.1",
        "/run/secrets/mqtt_server_cert": str(secrets / "mqtt_server.crt"),
        "/run/secrets/mqtt_server_key": str(secrets / "mqtt_server.key"),
        "/mosquitto/data": str(tmp_path),
        "/mosquitto/config/acl": str(prepared / "mosquitto" / "acl"),
    }.items():
        assert shipped in text
        text = text.replace(shipped, here)
    if os.geteuid() == 0:
        text += "user root\n"
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(text)
    assert run("mosquitto_passwd", "-c", "-b", str(tmp_path / "passwords"), "SPK-1", "secret").returncode == 0
    server = ServerProcess(
        name="mosquitto",
        command=[
            "env", f"PASSWORDS={tmp_path / 'passwords'}", f"SECRET={secrets / 'mqtt_password'}", f"CONFIGURATION={configuration}",
            f"PATH={os.environ['PATH']}:{Path(program('mosquitto')).parent}", "/bin/sh", str(prepared / "mosquitto" / "start.sh"),
        ],
        log=tmp_path / "log",
        ready=lambda: listening(tls) and listening(inner),
    )  # fmt: skip
    server.start()
    yield tls, inner
    server.stop()


@pytest.mark.real("mosquitto")
def test_broker_takes_shipped_configuration(broker: tuple[int, int], prepared: Path) -> None:
    """Collector and device log in over TLS; the device writes its own topics only; nobody enters without a password."""
    tls, inner = broker
    secrets = prepared / "secrets"
    as_ioc = ("-u", "ioc", "-P", (secrets / "mqtt_password").read_text())
    over_tls = ("-h", "localhost", "-p", str(tls), "--cafile", str(secrets / "mqtt_ca.crt"), "-V", "mqttv5", "-q", "1")
    healthy = run("mosquitto_sub", "-h", "127.0.0.1", "-p", str(inner), *as_ioc, "-t", "$SYS/broker/uptime", "-C", "1", "-W", "5")
    assert healthy.returncode == 0, healthy.stderr

    def publish(topic: str, *who: str) -> str:
        done = run("mosquitto_pub", *over_tls, *who, "-t", topic, "-m", "{}", "-d")
        return done.stdout + done.stderr

    as_device = ("-u", "SPK-1", "-P", "secret")
    assert "Not authorized" in publish("ioc/v1/speaker/SPK-2/telemetry", *as_device)
    assert "Not authorized" in publish("ioc/v1/speaker/SPK-1/telemetry", *as_ioc)
    assert "Not authorized" not in publish("ioc/v1/collector/ioc-1/telemetry", *as_ioc)
    assert "Not authorized" not in publish("ioc/v1/speaker/SPK-1/telemetry", *as_device)
    assert "Connection Refused" in publish("ioc/v1/speaker/SPK-1/telemetry") or "ot authorized" in publish("ioc/v1/speaker/SPK-1/telemetry")


@pytest.mark.real("promtool")
def test_prometheus_takes_shipped_rules(promtool: str) -> None:
    """The configuration is valid, and `up == 0` for a minute is an alert."""
    folder = DOCKER / "prometheus"
    for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "ioc.rules.test.yml"]):
        done = run(promtool, *arguments, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, a part of systemd")
def test_unit_is_valid_and_confined(tmp_path: Path) -> None:
    """systemd finds no fault in the unit, and rates its exposure as OK (under 3 of 10)."""
    unit = tmp_path / "ioc.service"
    text = (DOCKER / "ioc.service").read_text()
    assert "Type=notify" in text
    assert "WatchdogSec=" in text
    unit.write_text(text.replace("/opt/ioc/bin/ioc ", "/bin/true "))
    verified = run("systemd-analyze", "verify", "--man=no", str(unit))
    assert "ioc.service" not in verified.stderr, verified.stderr
    rated = run("systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit))
    assert rated.returncode == 0, rated.stdout[-400:] + rated.stderr


def test_example_configuration_is_accepted(tmp_path: Path) -> None:
    """The example loads as it stands, and with every commented key switched on."""
    text = (DOCKER / "ioc.example.yaml").read_text()
    every_key = re.sub(r"^( *)# (\w+: [^\s].*|\w+: \[.*)$", r"\1\2", text, flags=re.MULTILINE)
    assert every_key.count("\n") == text.count("\n")
    for folder in ("families", "rules"):
        (tmp_path / folder).mkdir()
    for name in ("mqtt_password", "mqtt_ca.crt", "client.crt", "client.key", "influxdb_token", "grafana_token", "units.csv", "devices.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "watchdog_url").write_text("https://ping.example.gov.vn/ioc")
    shutil.copy(DOCKER / "ioc" / "notify.yaml", tmp_path)
    for variant in (text, every_key):
        (tmp_path / "ioc.yaml").write_text(variant)
        assert load_config(tmp_path / "ioc.yaml", {}).settings.broker
    assert load_config(tmp_path / "ioc.yaml", {}).settings.watchdog


def test_container_configuration_is_accepted(prepared: Path) -> None:
    """What compose mounts into the container loads, once its secrets' folder is put in place of /run/secrets."""
    folder = prepared / "ioc"
    main = folder / "ioc.yaml"
    files = {"mqtt_password": "mqtt_password", "mqtt_ca": "mqtt_ca.crt", "influxdb_token": "influxdb_token"}
    text = main.read_text()
    for name, file in files.items():
        text = re.sub(rf"/run/secrets/{name}\b", str(prepared / "secrets" / file), text)
    main.write_text(text)
    config = load_config(main, {})
    assert config.notify.routes
