"""The main file: each mistake at its line with a suggestion; defaults, environment and secrets."""

from pathlib import Path

import pytest

from ioc.config.load import Config, load_config
from ioc.config.problem import ConfigError
from ioc.config.settings import EmbeddedStore, InfluxStore
from ioc.domain.deadband import Deadband

MINIMAL = "broker: {url: mqtt://localhost}\n"
INFLUX = "store: {kind: influxdb, url: http://influxdb:8086, token: t0ken}\n"

BROKEN: dict[str, tuple[str, int, str, str]] = {
    "no broker": ("site: {id: x}\n", 1, "broker: is missing", "add `broker: …`"),
    "broker empty": ("site: {id: x}\nbroker:\n", 2, "broker: is empty", "give it a value"),
    "broker without url": ("site: {id: x}\nbroker:\n  client_id: a\n", 2, "broker.url: is missing", "add `url: …`"),
    "unknown section": (MINIMAL + "stroe: {kind: embedded}\n", 2, "unknown key `stroe`", "did you mean `store`?"),
    "unknown key": (
        "broker:\n  url: mqtt://localhost\n  passwrd_file: x\n",
        3,
        "unknown key `passwrd_file`",
        "did you mean `password_file`?",
    ),
    "unknown key in a list": (
        "broker:\n  - url: mqtt://localhost\n  - url: mqtt://localhost\n    clientid: b\n",
        4,
        "broker[1].clientid: unknown key",
        "did you mean `client_id`?",
    ),
    "unknown key of a kind": (
        MINIMAL + "store:\n  kind: influxdb\n  url: http://i\n  token: x\n  buckt: b\n",
        6,
        "unknown key `buckt`",
        "did you mean `bucket`?",
    ),
    "key of the other kind": (
        MINIMAL + "store:\n  kind: embedded\n  bucket: b\n",
        4,
        "unknown key `bucket`",
        "known keys: kind, retention",
    ),
    "unknown kind": (
        MINIMAL + "store:\n  kind: influx\n",
        3,
        "store.kind: `influx` is not one of influxdb, embedded",
        "did you mean `influxdb`?",
    ),
    "text for a section": (MINIMAL + "api: 8080\n", 2, "api: `8080` is not a mapping", "write `key: value` lines"),
    "list as the file": ("- a\n- b\n", 1, "a list is not a mapping", "write `key: value` lines"),
    "port as a word": (MINIMAL + "api:\n  port: http\n", 3, "api.port: `http` is not a whole number", "write it without"),
    "port too large": (MINIMAL + "api:\n  port: 99999\n", 3, "`99999` must be at most 65535", "change it"),
    "duration without unit": (MINIMAL + "cadence:\n  speaker: 60\n", 3, "is not a duration", "for example 60s"),
    "cadence of nobody": (MINIMAL + "cadence:\n  speker: 60s\n", 3, "there is no family `speker`", "did you mean `speaker`?"),
    "deadband of nobody": (MINIMAL + "deadband:\n  speker: {}\n", 3, "there is no family `speker`", "did you mean `speaker`?"),
    "deadband of no metric": (
        MINIMAL + "deadband:\n  factory_line:\n    power: {absolute: 1}\n",
        4,
        "the family `factory_line` has no metric `power`",
        "did you mean `power_kw`?",
    ),
    "deadband misspelt": (
        MINIMAL + "deadband:\n  factory_line:\n    power_kw: {absolut: 1}\n",
        4,
        "unknown key `absolut`",
        "did you mean `absolute`?",
    ),
    "band for a text": (
        MINIMAL + "deadband:\n  factory_line:\n    state: {percent: 1}\n",
        4,
        "belong to numbers",
        "write only `heartbeat`",
    ),
    "heartbeat too long": (MINIMAL + "deadband:\n  speaker:\n    fw: {heartbeat: 9d}\n", 4, "must be at most", "change it"),
    "zone misspelt": (MINIMAL + "site:\n  timezone: Asia/Ho_Chi_Min\n", 3, "is no time zone", "did you mean `Asia/Ho_Chi_Minh`?"),
    "language": (MINIMAL + "site:\n  language: vn\n", 3, "`vn` is not one of vi, en", "write one of them"),
    "insecure": (
        "broker:\n  client_id: a\n  url: mqtt://broker:1883\n",
        3,
        "broker.url: mqtt:// to broker would send",
        "allow_insecure: true",
    ),
    "insecure in a list": (
        "broker:\n  - url: mqtts://one\n  - client_id: b\n    url: mqtt://two\n",
        4,
        "broker[1].url: mqtt:// to two",
        "write mqtts://",
    ),
    "scheme": ("broker:\n  url: tcp://localhost\n", 2, "not a URL with mqtt:// or mqtts://", "write it as mqtts://broker:8883"),
    "url without host": ("broker:\n  url: mqtts://\n", 2, "not a URL", "write it as"),
    "url with bad port": ("broker:\n  url: mqtts://b:99999\n", 2, "not a URL", "write it as"),
    "credentials in url": ("broker:\n  url: mqtts://u:hunter2@b\n", 2, "may not hold credentials", "the secret in a file"),
    "topic root": ("broker:\n  url: mqtts://b\n  topic_root: ioc/#\n", 3, "`ioc/#` is no topic root", "for example ioc/v1"),
    "password alone": ("broker:\n  url: mqtts://b\n  password: hunter2\n", 3, "a password without `username`", "add `username: …`"),
    "certificate alone": ("broker:\n  url: mqtts://b\n  cert_file: c\n", 3, "belong together", "give both"),
    "one client id twice": (
        "broker:\n  - url: mqtts://a\n  - url: mqtts://b\n",
        1,
        "two brokers share the client_id `ioc-1`",
        "give each its own",
    ),
    "store without token": (MINIMAL + "store:\n  kind: influxdb\n  url: http://i\n", 2, "store: no token", "add `token_file: …`"),
    "short retention": (MINIMAL + "store:\n  kind: embedded\n  retention: 1m\n", 4, "must be at least", "change it"),
    "password twice": (
        "broker:\n  url: mqtts://b\n  username: u\n  password: x\n  password_file: pw\n",
        5,
        "`password` and `password_file` are both given",
        "keep `password_file`",
    ),
    "password file gone": ("broker:\n  url: mqtts://b\n  username: u\n  password_file: gone\n", 4, "gone does not exist", "check the path"),
    "password file empty": (
        "broker:\n  url: mqtts://b\n  username: u\n  password_file: empty\n",
        4,
        "holds no secret",
        "write the secret into it",
    ),
    "ca file gone": ("broker:\n  url: mqtts://b\n  ca_file: gone.pem\n", 3, "gone.pem does not exist", "check the path"),
    "families gone": (MINIMAL + "families: [./gone]\n", 2, "families[0]: ", "check the path"),
    "units gone": (MINIMAL + "registry:\n  units: gone.csv\n", 3, "gone.csv does not exist", "check the path"),
    "watchdog without url": (MINIMAL + "watchdog:\n  every: 60s\n", 2, "no URL", "add `url_file: …`"),
    "grafana url": (
        MINIMAL + "grafana:\n  url: grafana:3000\n",
        3,
        "not a URL with http:// or https://",
        "write it as http://grafana:3000",
    ),
    "size": (MINIMAL + "limits:\n  spool: 4\n", 3, "`4` is not a size", "for example 512MB"),
    "truth": ("broker:\n  url: mqtt://b\n  allow_insecure: maybe\n", 3, "`maybe` is not true or false", "write true or false"),
}


def load(folder: Path, text: str, **env: str) -> Config:
    """The configuration of a main file with this text."""
    (folder / "pw").write_text("s3cret\n")
    (folder / "empty").write_text("\n")
    (folder / "ioc.yaml").write_text(text)
    return load_config(folder / "ioc.yaml", env)


@pytest.mark.parametrize(("text", "line", "what", "do"), BROKEN.values(), ids=BROKEN)
def test_names_line_and_remedy_for_each_mistake(tmp_path: Path, text: str, line: int, what: str, do: str) -> None:
    """One mistake is one problem, at the line that has to be changed, with what to do; secrets are not repeated."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    [problem] = caught.value.problems
    assert (problem.file, problem.line) == (str(tmp_path / "ioc.yaml"), line)
    assert what in str(problem)
    assert do in problem.do
    assert "hunter2" not in str(problem)


def test_collects_the_mistakes_of_all_files(tmp_path: Path) -> None:
    """One run names everything, so that nobody repairs one mistake a time; sorted by file and line."""
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "pump.yaml").write_text(
        "family: pump\nlabels: {vi: Bơm, en: Pump}\ncadence: 10\nmetrics: {flow: {tpye: float}}\n"
    )
    (tmp_path / "notify.yaml").write_text("channels:\n  ops: {kind: webhok}\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "sit: x\nbroker: {url: mqtt://far}\nfamilies: [families]\nnotify: {file: notify.yaml}\n")
    said = [(Path(problem.file).name, problem.line, problem.path) for problem in caught.value.problems]
    assert said == [
        ("ioc.yaml", 1, "sit"),
        ("ioc.yaml", 2, "broker.url"),
        ("pump.yaml", 3, "cadence"),
        ("pump.yaml", 4, "metrics.flow.type"),
        ("pump.yaml", 4, "metrics.flow.labels"),
        ("pump.yaml", 4, "metrics.flow.tpye"),
        ("notify.yaml", 2, "channels.ops.kind"),
    ]


def test_starts_from_a_minimal_file(tmp_path: Path) -> None:
    """A broker's URL is enough; everything else has a default fit for this machine alone."""
    settings = load(tmp_path, MINIMAL).settings
    [broker] = settings.brokers
    assert (broker.host, broker.port, broker.tls, broker.client_id, broker.topic_root) == ("localhost", 1883, False, "ioc-1", "ioc/v1")
    assert (settings.site.id, settings.site.name, settings.site.language, settings.site.timezone) == (
        "phu-tho",
        "Phú Thọ",
        "vi",
        "Asia/Ho_Chi_Minh",
    )
    assert isinstance(settings.store, EmbeddedStore)
    assert (settings.api.host, settings.api.port) == ("127.0.0.1", 8080)
    assert (settings.registry.unknown_devices, settings.registry.max_unknown) == ("hold", 1000)
    assert settings.data_dir == tmp_path / "data"


def test_reads_the_whole_example(tmp_path: Path) -> None:
    """Every section of the contract's example is understood."""
    for name in ("ca", "token", "url", "units.csv", "devices.csv"):
        (tmp_path / name).write_text("x-secret\n")
    for name in ("families", "rules"):
        (tmp_path / name).mkdir()
    (tmp_path / "notify.yaml").write_text("channels: {}\n")
    config = load(
        tmp_path,
        """
site:     {id: phu-tho, name: Phú Thọ, language: vi, timezone: Asia/Ho_Chi_Minh}
data_dir: ./data
broker:   {url: "mqtts://broker:8883", client_id: ioc-1, username: ioc, password_file: pw, ca_file: ca,
           cert_file: ca, key_file: ca, topic_root: ioc/v1, allow_insecure: false}
store:    {kind: influxdb, url: "http://influxdb:8086", org: ioc, bucket: ioc, token_file: token, retention: 90d}
families: [./families]
cadence:  {speaker: 30s}
deadband: {factory_line: {power_kw: {absolute: 0.5, percent: 1, heartbeat: 2m}, state: {}}}
rules:    [./rules]
shipped_rules: true
registry: {units: ./units.csv, devices: ./devices.csv, unknown_devices: hold, max_unknown: 1000}
notify:   {file: ./notify.yaml}
api:      {host: 127.0.0.1, port: 8080}
grafana:  {url: "http://grafana:3000", token_file: token, folder: IOC}
watchdog: {url_file: url, every: 60s}
limits:   {spool: 4GB, quarantine: 512MB}
""",
    )
    settings = config.settings
    assert isinstance(settings.store, InfluxStore)
    assert settings.store.retention == 90 * 86_400_000
    assert config.families["speaker"].cadence == 30_000
    line = config.families["factory_line"]
    assert line.metrics[line.index["power_kw"]].deadband == Deadband(absolute=0.5, percent=1, heartbeat=120_000)
    assert line.metrics[line.index["state"]].deadband == Deadband()
    assert settings.families == (tmp_path / "families",)
    assert settings.brokers[0].ca_file == tmp_path / "ca"
    assert config.secrets == {"s3cret", "x-secret"}


def test_limits_history_to_the_retention(tmp_path: Path) -> None:
    """Nothing is taken in that the store would refuse as too old."""
    config = load(tmp_path, MINIMAL + "store: {kind: embedded, retention: 7d}\n")
    assert {family.history for family in config.families.values()} == {7 * 86_400_000}


def test_strips_the_line_end_of_a_secret(tmp_path: Path) -> None:
    """Editors end files with a newline; the secret is what stands before it. It never shows in a repr."""
    broker = load(tmp_path, "broker: {url: mqtts://b, username: u, password_file: pw}\n").settings.brokers[0]
    assert broker.password is not None
    assert broker.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(broker)


def test_takes_paths_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the command is started doesn't matter; a variable's path is relative to the working directory."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(tmp_path, MINIMAL + "data_dir: ./d\n").settings.data_dir == tmp_path / "d"
    assert load(tmp_path, MINIMAL, IOC_DATA_DIR="d").settings.data_dir == tmp_path / "elsewhere" / "d"


def test_overrides_keys_by_environment(tmp_path: Path) -> None:
    """`IOC_<SECTION>__<KEY>` wins over the file, in any depth, in lists by position, and for whole structures as YAML."""
    settings = load(
        tmp_path,
        "broker: [{url: mqtts://a, client_id: a}]\ncadence: {speaker: 10s}\n",
        IOC_BROKER__0__URL="mqtts://b:1",
        IOC_CADENCE__SPEAKER="20s",
        IOC_API__PORT="9",
        IOC_SITE="{id: x, name: Huế}",
        IOC_SITE__NAME="[Đà Nẵng",
        IOC_SHIPPED_RULES="false",
        IOC_STORE__KIND="influxdb",
        IOC_STORE__URL="http://i",
        IOC_STORE__TOKEN="{t0ken",  # noqa: S106  made up
        IOC_GRAFANA__URL="",
    ).settings
    assert settings.brokers[0].url == "mqtts://b:1"
    assert settings.cadence == {"speaker": 20_000}
    assert (settings.api.port, settings.site.id, settings.site.name) == (9, "x", "[Đà Nẵng")
    assert settings.shipped_rules is False
    assert isinstance(settings.store, InfluxStore)
    assert settings.store.token is not None
    assert settings.store.token.get_secret_value() == "{t0ken"
    assert settings.grafana is None


def test_variable_for_a_secret_replaces_the_file_that_holds_it(tmp_path: Path) -> None:
    """And the other way round; two variables for one secret still contradict each other."""
    (tmp_path / "token").write_text("from the file")
    text = MINIMAL + 'store: {kind: influxdb, url: "http://i", token_file: token}\n'
    store = load(tmp_path, text, IOC_STORE__TOKEN="from-the-variable").settings.store  # noqa: S106  made up
    assert isinstance(store, InfluxStore)
    assert store.token is not None
    assert store.token.get_secret_value() == "from-the-variable"
    with pytest.raises(ConfigError):
        load(tmp_path, text, IOC_STORE__TOKEN="a", IOC_STORE__TOKEN_FILE=str(tmp_path / "token"))  # noqa: S106  made up


def test_runs_on_environment_alone() -> None:
    """A container needs no file."""
    config = load_config(None, {"IOC_BROKER__URL": "mqtts://b", "IOC_DATA_DIR": "/var/lib/ioc"})
    assert config.settings.data_dir == Path("/var/lib/ioc")


WRONG_VARIABLES = {
    "section": ({"IOC_BRKER__URL": "x"}, "IOC_BRKER__URL: unknown section `brker`; did you mean IOC_BROKER__URL?"),
    "far section": ({"IOC_XYZZY": "x"}, "IOC_XYZZY: unknown section `xyzzy`; known sections: site, data_dir"),
    "key": ({"IOC_API__PRT": "1"}, "IOC_API__PRT: api.prt: unknown key `prt`; did you mean `port`?"),
    "value": ({"IOC_API__PORT": "x"}, "IOC_API__PORT: api.port: `x` is not a whole number"),
    "kind": ({"IOC_STORE__KIND": "x"}, "IOC_STORE__KIND: store.kind: `x` is not one of influxdb, embedded"),
    "secret file": (
        {"IOC_BROKER__PASSWORD_FILE": "/gone", "IOC_BROKER__USERNAME": "u"},
        "IOC_BROKER__PASSWORD_FILE: broker.password_file: /gone does not exist",
    ),
    "structure": ({"IOC_CADENCE": "{speaker: 1s"}, "IOC_CADENCE:1: a mapping in { } is not closed"),
    "no such position": ({"IOC_SITE__NAME__X": "1", "IOC_SITE__NAME": "y"}, "IOC_SITE__NAME__X: `x` finds no place"),
}


@pytest.mark.parametrize(("env", "said"), WRONG_VARIABLES.values(), ids=WRONG_VARIABLES)
def test_names_the_variable_that_is_wrong(tmp_path: Path, env: dict[str, str], said: str) -> None:
    """A mistake in the environment names the variable, not a file."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, MINIMAL, **env)
    assert said in str(caught.value)


def test_leaves_other_variables_alone(tmp_path: Path) -> None:
    """Variables of the tests, of the command line and of Kubernetes are no configuration."""
    load(
        tmp_path,
        MINIMAL,
        IOC_SERVERS="/s",
        IOC_REQUIRE_SERVERS="1",
        IOC_CONFIG="f",
        IOC_SERVICE_HOST="h",
        IOC_PORT_8080_TCP="x",
        PATH="/bin",
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_allows_plain_mqtt_on_loopback(tmp_path: Path, host: str) -> None:
    """Nobody listens between two programs of one machine."""
    assert not load(tmp_path, f'broker: {{url: "mqtt://{host}:1883"}}\n').settings.brokers[0].tls


def test_allows_plain_mqtt_when_told(tmp_path: Path) -> None:
    """`allow_insecure: true` is the site's own decision."""
    assert load(tmp_path, "broker: {url: mqtt://broker, allow_insecure: true}\n").settings.brokers[0].host == "broker"


def test_takes_the_sites_own_family(tmp_path: Path) -> None:
    """A family file in a folder joins the shipped ones; the same name twice is an error that names both files."""
    (tmp_path / "fam").mkdir()
    pump = "family: {name}\nlabels: {{vi: Bơm, en: Pump}}\ncadence: 10s\n"
    pump += "metrics:\n  flow: {{type: float, labels: {{vi: Lưu lượng, en: Flow}}}}\n"
    (tmp_path / "fam" / "pump.yaml").write_text(pump.format(name="pump"))
    (tmp_path / "fam" / "notes.txt").write_text("not a family")
    text = MINIMAL + "families: ./fam\n"
    assert set(load(tmp_path, text).families) == {"speaker", "factory_line", "network_site", "pump"}
    (tmp_path / "fam" / "again.yaml").write_text(pump.format(name="speaker"))
    with pytest.raises(ConfigError, match=r"again\.yaml:1: family: the family `speaker` is already declared in .*speaker\.yaml"):
        load(tmp_path, text)


def test_reads_secrets_of_channels(tmp_path: Path) -> None:
    """Channels' secrets come from files beside notify.yaml and belong to what logs hide."""
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "hook.key").write_text("hmac-key\n")
    (tmp_path / "n" / "notify.yaml").write_text(
        "channels:\n  ops: {kind: webhook, url: 'http://127.0.0.1/h', secret_file: hook.key}\n  out: {kind: file, path: out.jsonl}\n"
        "routes:\n  - {channels: [ops]}\n"
    )
    config = load(tmp_path, MINIMAL + "notify: {file: n/notify.yaml}\n")
    ops, out = config.notify.channels["ops"], config.notify.channels["out"]
    assert ops.kind == "webhook"
    assert ops.secret is not None
    assert ops.secret.get_secret_value() == "hmac-key"
    assert out.kind == "file"
    assert out.path == str(tmp_path / "n" / "out.jsonl")
    assert "hmac-key" in config.secrets


def test_names_the_route_with_an_unknown_channel(tmp_path: Path) -> None:
    """A route to nobody is an error at its line."""
    (tmp_path / "notify.yaml").write_text("channels:\n  ops: {kind: file, path: x}\nroutes:\n  - match: {}\n    channels: [opps]\n")
    with pytest.raises(ConfigError, match=r"notify\.yaml:5: routes\[0\].channels\[0\]: there is no channel `opps`; did you mean `ops`\?"):
        load(tmp_path, MINIMAL + "notify: {file: notify.yaml}\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "depends_on:\n  - {family: speaker, parent: network_sit, by: cell}\n",
            r":2: depends_on\[0\].parent: there is no family `network_sit`",
        ),
        (
            "depends_on:\n  - {family: speaker, parent: network_site, by: cell, rules: site_mains}\n",
            r":2: depends_on\[0\].rules.*: there is no rule `site_mains`",
        ),
        ("depends_on:\n  - {family: speaker, parent: network_site, by: 'the cell'}\n", r":2: depends_on\[0\].by: "),
        ("incidents:\n  share: 130%\n", r":2: incidents.share: "),
        ("incidents:\n  by: [unit, felder]\n", r":2: incidents.by\[1\]: "),
        ("incidents:\n  menbers: 5\n", r":2: incidents.menbers: unknown key `menbers`; did you mean `members`"),
        ("flapping:\n  within: 10\n", r":2: flapping.within: "),
        ("flood:\n  messages: 0\n", r":2: flood.messages: "),
        ("load_report: {at: '6.30', channels: ops}\n", r":1: load_report.at: '6.30' is not a time of day"),
        ("load_report: {at: '24:00', channels: ops}\n", r":1: load_report.at: "),
        ("load_report: {at: '06:30'}\n", r":1: load_report.channels: "),
        (
            "channels:\n  ops: {kind: file, path: x}\nload_report:\n  at: '06:30'\n  channels: opps\n",
            r":5: load_report.channels.*: there is no channel `opps`; did you mean `ops`",
        ),
        ("flood:\n  channels: opps\n", r":2: flood.channels.*: there is no channel `opps`"),
    ],
)
def test_names_what_is_wrong_with_what_is_held_back(tmp_path: Path, text: str, words: str) -> None:
    """Families, rules, shares and times, at their lines."""
    (tmp_path / "notify.yaml").write_text(text)
    with pytest.raises(ConfigError, match="notify.yaml" + words):
        load(tmp_path, MINIMAL + "notify: {file: notify.yaml}\n")


def test_reads_what_is_held_back(tmp_path: Path) -> None:
    """Shares as percentages, durations, and families and rules that exist."""
    (tmp_path / "notify.yaml").write_text(
        "incidents: {members: 10, share: 25%, by: [feeder, unit], window: 2m}\n"
        "depends_on:\n  - {family: speaker, parent: network_site, by: cell, rules: [site_mains_lost], grace: 10m}\n"
        "flapping: {enabled: false}\n"
    )
    notify = load(tmp_path, MINIMAL + "notify: {file: notify.yaml}\n").notify
    assert (notify.incidents.members, notify.incidents.share, notify.incidents.by, notify.incidents.window) == (
        10,
        0.25,
        ("feeder", "unit"),
        120_000,
    )
    assert (notify.depends_on[0].rules, notify.depends_on[0].grace) == (("site_mains_lost",), 600_000)
    assert not notify.flapping.enabled


def test_cap_on_messages_holds_for_channels_that_people_read(tmp_path: Path) -> None:
    """Programs behind webhooks and files get every message, unless the file says otherwise."""
    channels = "channels:\n  sms: {kind: apprise, url: 'json://127.0.0.1'}\n  out: {kind: file, path: out.jsonl}\n"
    (tmp_path / "notify.yaml").write_text(channels)
    assert load(tmp_path, MINIMAL + "notify: {file: notify.yaml}\n").notify.plan.flood.channels == ("sms",)
    (tmp_path / "notify.yaml").write_text(channels + "flood: {channels: out}\n")
    assert load(tmp_path, MINIMAL + "notify: {file: notify.yaml}\n").notify.plan.flood.channels == ("out",)
