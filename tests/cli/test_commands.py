"""The command line on a site without a running server: exit codes, sentences, JSON."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ioc.app.lock import data_dir_lock

IOC = [sys.executable, "-m", "ioc"]
UNITS = "unit,code,valid_from,valid_to,name,type,parent\npt,25,2025-07-01,,Phú Thọ,province,\nvt,07900,2025-07-01,,Việt Trì,commune,pt\n"
DEVICES = "device,family,unit,name,lat,lon,labels\nspk-1,speaker,vt,Cụm loa 1,21.3,105.4,carrier=Viettel\n"

Ioc = Callable[..., Any]


def test_answers_help_without_loading_the_server() -> None:
    """`ioc --help` lists every command at once: none of the heavy parts is loaded for it."""
    code = "import sys; sys.argv = ['ioc', '--help']; from ioc.__main__ import main; main(); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603
    listed = {line.split()[0] for line in said.partition("Commands:")[2].splitlines() if line.startswith("  ")}
    assert listed >= {
        "run", "check", "config", "simulate", "units", "devices", "token", "quarantine", "ledger", "rules", "dashboards", "doctor",
    }  # fmt: skip
    loaded = set(said.splitlines()[-1].split())
    assert not loaded & {"pydantic", "structlog", "aiohttp", "sqlalchemy", "paho", "apprise", "yaml", "rich"}


USAGE = {
    "no such command": (("nonsense",), "No such command 'nonsense'"),
    "no such option": (("check", "--nonsense"), "No such option: --nonsense"),
    "no role": (("token", "create"), "Missing option '--role'"),
    "wrong role": (("token", "create", "--role", "king"), "there is no role 'king'; write one of viewer, operator"),
    "wrong end": (("token", "create", "--role", "viewer", "--expires", "soon"), "neither a duration such as 30d nor a date"),
    "past end": (("token", "create", "--role", "viewer", "--expires", "2020-01-01"), "lies in the past"),
    "wrong time": (("ledger", "--from", "yesterday"), "'yesterday' is not a time; write"),
    "nothing to approve": (("devices", "approve"), "name the devices to approve, or write --all"),
}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("args", "said"), USAGE.values(), ids=USAGE)
def test_ends_with_2_when_misused(ioc: Ioc, args: tuple[str, ...], said: str) -> None:
    """What the command line itself has wrong is exit code 2."""
    ended = ioc(*args)
    assert ended.code == 2
    assert said in ended.err


def test_asks_for_a_configuration(ioc: Ioc, site: Path) -> None:
    """Without a configuration a command says how to name one."""
    (site / "ioc.yaml").unlink()
    ended = ioc("check")
    assert (ended.code, ended.err) == (
        2,
        "no configuration named; write --config F, set IOC_CONFIG, or start in the folder of an ioc.yaml\n",
    )


BROKEN = {
    "unknown key": ("brokr: {}\n", "ioc.yaml:1: brokr: unknown key `brokr`; did you mean `broker`?"),
    "not YAML": ("broker: {url: x\n", "ioc.yaml:1: a mapping in { } is not closed"),
    "missing rule file": ("broker: {url: mqtt://localhost}\nrules: [r]\n", "ioc.yaml:2: rules[0]: "),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("command", ["check", "run", "config show", "units list", "doctor"])
def test_ends_with_1_and_the_line_for_a_broken_file(ioc: Ioc, site: Path, command: str, text: str, said: str) -> None:
    """Whatever the command, a broken configuration is exit code 1 with file and line, and nothing starts."""
    (site / "ioc.yaml").write_text(text)
    ended = ioc(*command.split(), "--config", "ioc.yaml")
    assert ended.code == 1
    assert said in ended.err + ended.out
    assert "Traceback" not in ended.err
    assert not (site / "data").exists()


def test_check_counts_what_it_read(ioc: Ioc, site: Path) -> None:
    """Files that are fine end with 0 and a summary, without a server being asked."""
    ended = ioc("check", "--no-connect")
    assert ended.code == 0
    assert "The files are fine: 3 families, " in ended.out
    assert json.loads(ioc("check", "--no-connect", "--json").out)["ok"] is True
    assert not (site / "data").exists()


@pytest.mark.usefixtures("site")
def test_check_ends_with_3_when_the_broker_is_away(ioc: Ioc) -> None:
    """Fine files and an unreachable broker are exit code 3, which names it."""
    ended = ioc("check")
    assert ended.code == 3
    assert "the broker mqtt://127.0.0.1:1 can't be reached: connection refused" in ended.out


def test_check_prefers_mistakes_to_absences(ioc: Ioc, site: Path) -> None:
    """Errors in files win over servers that are away; as JSON each has file and line."""
    (site / "ioc.yaml").write_text('broker: {url: "mqtt://127.0.0.1:1"}\napi: {prt: 1}\n')
    ended = ioc("check", "--json")
    assert ended.code == 1
    [problem] = json.loads(ended.out)["problems"]
    assert (problem["line"], problem["path"], problem["do"]) == (2, "api.prt", "did you mean `port`?")


def test_check_reads_the_registry_files(ioc: Ioc, site: Path) -> None:
    """Wrong rows of the files for the first start are found before it."""
    (site / "units.csv").write_text(UNITS)
    (site / "devices.csv").write_text(DEVICES + "spk-2,speker,vt,,,,\n")
    (site / "ioc.yaml").write_text('broker: {url: "mqtt://127.0.0.1:1"}\nregistry: {units: units.csv, devices: devices.csv}\n')
    ended = ioc("check")
    assert ended.code == 1
    assert "devices.csv:3: family 'speker': no such family; did you mean 'speaker'?" in ended.err


def test_config_show_masks_secrets(ioc: Ioc, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings in force come with defaults and environment, secrets as stars; what is printed can be read again."""
    (site / "pw").write_text("hunter2\n")
    (site / "ioc.yaml").write_text("broker: {url: mqtts://b, username: u, password_file: pw}\n")
    monkeypatch.setenv("IOC_API__PORT", "9999")
    for args in ((), ("--json",)):
        ended = ioc("config", "show", *args)
        assert ended.code == 0
        assert "hunter2" not in ended.out
        assert "***" in ended.out
        assert "9999" in ended.out
        assert "Phú Thọ" in ended.out


@pytest.mark.usefixtures("site")
def test_imports_units_and_devices_after_a_dry_run(ioc: Ioc, site: Path) -> None:
    """Without --yes nothing changes; with it the rows are there; once more changes nothing."""
    (site / "units.csv").write_text(UNITS)
    (site / "devices.csv").write_text(DEVICES)
    dry = ioc("units", "import", "units.csv")
    assert dry.code == 0
    assert "units: 2 new, 0 changed, 0 unchanged\nNothing is imported yet; add --yes to import." in dry.out
    assert ioc("units", "list").out.startswith("No units")
    assert "Imported." in ioc("units", "import", "units.csv", "--yes").out
    assert json.loads(ioc("devices", "import", "devices.csv", "--yes", "--json").out)["applied"] is True
    again = ioc("units", "import", "units.csv", "--yes")
    assert (again.code, again.out) == (0, "units: 0 new, 0 changed, 2 unchanged\n")
    assert [unit["name"] for unit in json.loads(ioc("units", "list", "--json").out)["items"]] == ["Phú Thọ", "Việt Trì"]
    assert "spk-1   speaker  vt    Cụm loa 1  yes" in ioc("devices", "list").out


def test_shows_what_an_import_would_change(ioc: Ioc, site: Path) -> None:
    """Each changed column is shown before and after."""
    (site / "units.csv").write_text(UNITS)
    ioc("units", "import", "units.csv", "--yes")
    (site / "units.csv").write_text(UNITS.replace("Việt Trì,commune", "Việt Trì mới,ward"))
    ended = ioc("units", "import", "units.csv", "--dry-run")
    assert "  vt: name: Việt Trì → Việt Trì mới, type: commune → ward" in ended.out
    assert "Việt Trì mới" not in ioc("units", "list").out


def test_names_every_wrong_row(ioc: Ioc, site: Path) -> None:
    """A file with wrong rows imports nothing and lists them by line."""
    (site / "units.csv").write_text(UNITS + "x,,2025-13-01,,X,,\n,,2025-07-01,,Y,,\n")
    ended = ioc("units", "import", "units.csv", "--yes")
    assert ended.code == 1
    assert "units.csv:4: " in ended.err
    assert "units.csv:5: " in ended.err
    assert ioc("units", "list").out.startswith("No units")


@pytest.mark.usefixtures("site")
def test_names_a_missing_csv_file(ioc: Ioc) -> None:
    """A wrong path is one sentence."""
    ended = ioc("units", "import", "gone.csv")
    assert (ended.code, ended.err) == (1, "gone.csv: can't be read: No such file or directory; check the path\n")


def test_creates_lists_and_revokes_tokens(ioc: Ioc, site: Path) -> None:
    """A token's secret is printed once, alone on standard output; lists never hold it."""
    (site / "units.csv").write_text(UNITS)
    ioc("units", "import", "units.csv", "--yes")
    created = ioc("token", "create", "--role", "technician", "--unit", "vt", "--expires", "30d", "--name", "Lan")
    assert created.code == 0
    secret = created.out.strip()
    assert "shown this once" in created.err
    listed = ioc("token", "list", "--json")
    [token] = json.loads(listed.out)["items"]
    assert (token["name"], token["role"], token["units"], token["in_force"]) == ("Lan", "technician", ["vt"], True)
    assert secret not in listed.out
    assert ioc("token", "revoke", token["id"]).out == f"Revoked {token['id']}.\n"
    again = ioc("token", "revoke", token["id"])
    assert (again.code, "it is revoked or expired already" in again.err) == (1, True)
    made = json.loads(ioc("token", "create", "--role", "viewer", "--json").out)
    assert ioc("token", "revoke", made["id"]).code == 0


REFUSED = {
    "technician without units": (("token", "create", "--role", "technician"), "a technician's token needs the units it is for"),
    "viewer with units": (("token", "create", "--role", "viewer", "--unit", "x"), "units limit technicians only"),
    "unknown unit": (("token", "create", "--role", "technician", "--unit", "x"), "there is no unit 'x'"),
    "unknown token": (("token", "revoke", "x"), "there is no token 'x' in force; see `ioc token list`"),
    "unknown device": (("devices", "approve", "x"), "there is no device 'x'; see `ioc devices list --held`"),
    "unknown quarantine item": (("quarantine", "show", "x"), "the quarantine holds no item 'x'"),
    "boards without Grafana": (("dashboards", "plan"), "the configuration has no section `grafana`; add"),
    "no such folder": (("units", "list", "--data-dir", "gone"), "there is no data folder gone; check --data-dir"),
}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("args", "said"), REFUSED.values(), ids=REFUSED)
def test_ends_with_1_when_refused(ioc: Ioc, args: tuple[str, ...], said: str) -> None:
    """What can't be done is exit code 1 and a sentence."""
    ended = ioc(*args)
    assert ended.code == 1
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("hour", ["0001-01-01T00:00", "2400-12-31T23:00", "1500-01-01T00:00Z", "yesterday"])
def test_hour_that_nothing_can_be_stored_at_is_a_usage_error(ioc: Ioc, hour: str) -> None:
    """Exit code 2 and a sentence."""
    ended = ioc("ledger", "audit", "--hour", hour)
    assert ended.code == 2
    assert hour in ended.err


@pytest.mark.usefixtures("site")
def test_replay_needs_a_server(ioc: Ioc) -> None:
    """Decoder and store must be at work; exit code 3."""
    ended = ioc("quarantine", "replay", "x")
    assert ended.code == 3
    assert "no server is running" in ended.err


@pytest.mark.usefixtures("site")
def test_shows_an_empty_ledger_and_quarantine(ioc: Ioc) -> None:
    """Before the first message everything is nought."""
    assert json.loads(ioc("ledger", "--json").out)["received"] == 0
    assert "RECEIVED" in ioc("ledger", "--from", "2026-07-01").out
    assert json.loads(ioc("quarantine", "list", "--json").out) == {"items": [], "next": None}


def test_renders_boards_without_grafana(ioc: Ioc, site: Path) -> None:
    """The boards' JSON needs no server; twice gives the same bytes."""
    assert ioc("dashboards", "render", "--out", "boards").code == 0
    first = {path.name: path.read_bytes() for path in (site / "boards").iterdir()}
    ioc("dashboards", "render", "--out", "boards")
    assert first == {path.name: path.read_bytes() for path in (site / "boards").iterdir()}
    assert all("Phú Thọ" in text.decode() for text in first.values())


def test_tries_rules_without_a_configuration(ioc: Ioc, site: Path) -> None:
    """A rule file can be checked anywhere against the shipped families."""
    (site / "ioc.yaml").unlink()
    (site / "rules.yaml").write_text("rules: []\n")
    assert ioc("rules", "test", "rules.yaml").out == "0 rules, no mistakes.\n"
    (site / "rules.yaml").write_text("rules:\n  - {id: a, famly: speaker}\n")
    ended = ioc("rules", "test", "rules.yaml")
    assert ended.code == 1
    assert "rules.yaml:2: rules[0].famly: unknown key `famly`; did you mean `family`?" in ended.err


def test_says_that_another_process_holds_the_data(ioc: Ioc, site: Path) -> None:
    """While a server starts, nobody writes beside it."""
    with data_dir_lock(site / "data"):
        ended = ioc("units", "list")
    assert ended.code == 1
    assert "another server" in ended.err


@pytest.mark.usefixtures("site")
def test_doctor_speaks_in_sentences(ioc: Ioc) -> None:
    """Every part has its line, and what is away decides the exit code."""
    ended = ioc("doctor")
    assert ended.code == 3
    for about in ("python: 3.", "clock: ", "configuration: 3 families", "data folder ", "port 8080", "broker mqtt://127.0.0.1:1: "):
        assert about in ended.out
    assert {finding["about"] for finding in json.loads(ioc("doctor", "--json").out)["findings"]} >= {"python", "clock", "configuration"}


def test_ends_quietly_when_its_reader_leaves(site: Path) -> None:
    """`ioc … | head` is no error to read about."""
    (site / "units.csv").write_text("unit,valid_from,name\n" + "".join(f"u{n},2025-07-01,Unit {n}\n" for n in range(5000)))
    subprocess.run([*IOC, "units", "import", "units.csv", "--yes"], cwd=site, check=True, capture_output=True)  # noqa: S603
    command = f"{' '.join(IOC)} units list --json | head -c 10"
    said = subprocess.run(["bash", "-c", command], cwd=site, check=False, capture_output=True, text=True)  # noqa: S603, S607
    assert said.stdout == '{\n  "items'
    assert said.stderr == ""


def test_ends_with_the_codes_of_its_commands(site: Path) -> None:
    """Scripts see the same codes from the installed program."""
    codes = {args: subprocess.run([*IOC, *args.split()], cwd=site, check=False, capture_output=True).returncode  # noqa: S603
             for args in ("--version", "check --no-connect", "check", "token revoke x", "nonsense")}  # fmt: skip
    assert list(codes.values()) == [0, 0, 3, 1, 2]


def test_links_are_revoked_without_a_server(ioc: Ioc, site: Path) -> None:
    """A new key each time, for its owner only."""
    keys = []
    for _ in range(2):
        assert ioc("links", "revoke").out == "All links sent so far are void.\n"
        keys.append((site / "data" / "ack.key").read_text())
    assert keys[0] != keys[1]
    assert (site / "data" / "ack.key").stat().st_mode & 0o777 == 0o600
