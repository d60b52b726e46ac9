"""Who takes messages from the broker to the store: `ioc run` with and without rules, and Telegraf."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from process import rss_bytes
from stand import Stand

from e2e.server import ServerUnderTest, influx_store, rule
from servers.presence import executable
from servers.process import ServerProcess

LAUNCHER = Path(__file__).with_name("sampled_run.py")


def rules(number: int) -> list[dict[str, object]]:
    """`number` rules of the kinds that a province has; on healthy devices none comes true."""
    metrics: list[tuple[str, str, Mapping[str, object]]] = [
        ("speaker", "amp_temp_c", {"above": 80}),
        ("speaker", "audio_dbfs", {"above": -10}),
        ("speaker", "mains_v", {"below": 180, "clear_above": 190}),
        ("speaker", "rssi_dbm", {"below": -110}),
        ("speaker", "load_ohm", {"below": 2}),
        ("speaker", "volume", {"above": 95}),
        ("speaker", "board_temp_c", {"above": 70, "clear_below": 65}),
        ("factory_line", "power_kw", {"above": 90}),
        ("factory_line", "speed_per_min", {"below": 5}),
    ]
    made = []
    for n in range(number):
        if n % 10 == 9:  # noqa: PLR2004  one in ten looks at a state and a metric together
            playing = {"kind": "state", "metric": "state", "is": "playing"}
            when: dict[str, object] = {"all": [playing, {"kind": "threshold", "metric": "audio_dbfs", "below": -50 - n % 60}]}
            family = "speaker"
        elif n % 10 == 4:  # noqa: PLR2004
            family, when = "speaker", {"kind": "state", "metric": "state", "is": "fault"}
        else:
            family, metric, limits = metrics[n % len(metrics)]
            when = {"kind": "threshold", "metric": metric, **limits}
        made.append(rule(f"bench_{n}", when, family=family, severity="major", **({"for": "30s"} if n % 3 == 0 else {})))
    return made


class Ours(ServerUnderTest):
    """`ioc run`; with `profile` under the sampler, which leaves its findings in that file."""

    def __init__(
        self,
        servers: Stand,
        name: str,
        bucket: str,
        *,
        rows: Sequence[Sequence[str]],
        rule_count: int = 0,
        more_rules: Sequence[Mapping[str, object]] = (),
        profile: Path | None = None,
        **sections: object,
    ) -> None:
        super().__init__(
            servers.folder / name,
            broker={"url": servers.broker.url, "client_id": name},
            store=influx_store(servers.influx, bucket),
            rules=[*rules(rule_count), *more_rules],
            devices=rows,
            **sections,
        )
        self.bucket = bucket
        if profile is not None:
            self._command = [sys.executable, str(LAUNCHER), str(profile), "run", "--config", str(self.config_file)]


def telegraf_missing() -> bool:
    """Whether this machine has no Telegraf."""
    return executable("telegraf") is None


class Telegraf(ServerProcess):
    """Telegraf with a persistent session, declared types and acknowledgement only after the write."""

    def __init__(self, servers: Stand, name: str, bucket: str) -> None:
        folder = servers.folder / name
        folder.mkdir()
        config = folder / "telegraf.conf"
        influx = servers.influx
        config.write_text(
            _CONFIG.format(port=servers.broker.port, client_id=name, url=influx.url, token=influx.token, org=influx.org, bucket=bucket)
        )
        super().__init__(
            name="telegraf",
            command=[str(executable("telegraf")), "--config", str(config)],
            log=folder / "telegraf.log",
            ready=lambda: "Connected [" in self.log.read_text(errors="replace"),
        )
        self.bucket = bucket

    def rss_bytes(self) -> int:
        """Resident memory of the process."""
        return rss_bytes(self.pid)


_CONFIG = """\
[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  omit_hostname = true

[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["ioc/v1/+/+/telemetry"]
  topic_tag = ""
  qos = 1
  client_id = "{client_id}"
  persistent_session = true
  max_undelivered_messages = 100000
  data_format = "json_v2"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "ioc/v1/+/+/telemetry"
    measurement = "_/_/measurement/_/_"
    tags = "_/_/_/device/_"
  [[inputs.mqtt_consumer.json_v2]]
    [[inputs.mqtt_consumer.json_v2.object]]
      path = "@this"
      timestamp_key = "ts"
      timestamp_format = "unix_ms"
      [inputs.mqtt_consumer.json_v2.object.fields]
        uptime_s = "int"
        volume = "int"
        audio_dbfs = "float"
        amp_temp_c = "float"
        board_temp_c = "float"
        load_ohm = "float"
        mains_v = "float"
        rssi_dbm = "int"
        good_count = "int"
        reject_count = "int"
        ideal_cycle_s = "float"
        speed_per_min = "float"
        power_kw = "float"
        energy_kwh = "float"

[[outputs.influxdb_v2]]
  urls = ["{url}"]
  token = "{token}"
  organization = "{org}"
  bucket = "{bucket}"
"""
