"""People, teams, units and escalations in the notify file: what they become, and what is said of mistakes."""

from pathlib import Path

import pytest

from alerts.channel_models import HttpChannel, SmtpChannel
from ioc.config.load import Config, load_config
from ioc.config.problem import ConfigError
from ioc.config.recorded_site import recorded_site, site_document

CHANNELS = """\
channels:
  zalo: {kind: http, url: "https://zalo.example.vn", json: {phone: "{to}"}, fallback: sms}
  mail: {kind: smtp, host: mail.example.vn, from: ioc@example.vn, to: ops@example.vn}
  sms: {kind: http, url: "https://sms.example.vn", json: {phone: "{to}"}, to: "0900000000"}
  out: {kind: file, path: ./out.jsonl}
people:
  an:
    name: Nguyễn Văn An
    channels: [{channel: mail, to: an@example.vn}, {channel: zalo, to: "0912345678"}]
    next_after: 2m
  binh: {channels: out, hours: {from: "07:30", to: "17:00"}}
teams:
  truc-ca:
    members: [an, binh]
    rotation: {start: "2026-01-05", every: week, hand_over: "07:30"}
    overrides:
      - {from: "2026-02-16 07:30", to: "2026-02-23 07:30", people: binh}
units:
  "07900": {teams: truc-ca}
routes:
  - on_duty_of_unit: true
    escalation:
      - {after: 5m, teams: truc-ca}
      - {after: 15m, people: an, repeat: 3}
"""


def load(folder: Path, notify: str) -> Config:
    """A site with this notify file."""
    (folder / "notify.yaml").write_text(notify)
    (folder / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\nnotify: {file: notify.yaml}\n")
    return load_config(folder / "ioc.yaml", {})


def test_person_has_each_channel_with_an_address_of_their_own_and_falls_back_from_one_to_the_next(tmp_path: Path) -> None:
    """The last one falls back to where the declared channel does."""
    notify = load(tmp_path, CHANNELS).notify
    mail, zalo = notify.all_channels["an.mail"], notify.all_channels["an.zalo"]
    assert isinstance(mail, SmtpChannel)
    assert isinstance(zalo, HttpChannel)
    assert (mail.to, mail.person, mail.fallback, mail.fallback_after) == (("an@example.vn",), "Nguyễn Văn An", "an.zalo", 120_000)
    assert (zalo.to, zalo.person, zalo.fallback) == ("0912345678", "Nguyễn Văn An", "sms")
    assert list(notify.channels) == ["zalo", "mail", "sms", "out"]
    assert notify.plan.flood.channels == ("zalo", "mail", "sms", "an.zalo", "an.mail")


def test_addresses_of_people_stand_in_no_log_and_in_nothing_that_is_handed_on(tmp_path: Path) -> None:
    """They count as secrets; a recording carries who is called, not where."""
    config = load(tmp_path, CHANNELS)
    assert {"an@example.vn", "0912345678"} <= config.secrets
    assert "0912345678" not in repr(config.notify.people)
    assert "0912345678" not in config.notify.plan.model_dump_json()
    assert "an@example.vn" not in config.notify.plan.model_dump_json()


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("{channel: zalo, to:", "{channel: zallo, to:",
         9, r"people\.an\.channels\[1\]\.channel: there is no channel `zallo`; did you mean `zalo`\?"),
        ("members: [an, binh]", "members: [an, bin]",
         14, r"teams\.truc-ca\.members\[1\]: there is no person `bin`; did you mean `binh`\?"),
        ("people: binh}", "people: bình}",
         17, r"teams\.truc-ca\.overrides\[0\].people\S*: there is no person `bình`; did you mean `binh`\?"),
        ('"07900": {teams: truc-ca}', '"07900": {teams: truc}',
         19, r"units\.07900\.teams\S*: there is no team `truc`; did you mean `truc-ca`\?"),
        ('"07900": {teams: truc-ca}', '"07900": {}',
         19, r"units\.07900: nobody answers for this unit; name `teams` or `people`"),
        ("people: an, repeat", "people: am, repeat",
         24, r"routes\[0\]\.escalation\[1\]\.people\S*: there is no person `am`; did you mean `an`\?"),
        ("after: 5m, teams: truc-ca}", "after: 5m, repeat: 2, teams: truc-ca}",
         23, r"routes\[0\]\.escalation\[0\]\.repeat: only the last step"),
        ("after: 5m, teams: truc-ca}", "after: 5m}",
         23, r"routes\[0\]\.escalation\[0\]: it reaches nobody; add `channels`, `teams`"),
        ("to: an@example.vn", "to: an.example.vn",
         9, r"people\.an\.channels\[0\]\.to: it is no mail address; write it as"),
        ("binh: {channels: out", 'binh: {channels: [{channel: out, to: "09"}]',
         11, r"\S+\.to: the channel `out` has no address of somebody's own"),
        ("channel: zalo, to", "channel: mail, to",
         9, r"people\.an\.channels\[1\]\.channel: `mail` stands there twice"),
        ('hand_over: "07:30"', 'hand_over: "7:30"',
         15, r"teams\.truc-ca\.rotation\.hand_over\S*: `7:30` is no time of day; write it as 07:30"),
        ("every: week", "every: weeks",
         15, r"teams\.truc-ca\.rotation\.every: `weeks` is not one of day, week; did you mean `week`\?"),
        ('hand_over: "07:30"', 'hand_over: ["07:30", "19:30"]',
         15, r"teams\.truc-ca\.rotation: a weekly rotation has one `hand_over`"),
        ('to: "2026-02-23 07:30"', 'to: "2026-02-16 07:30"',
         17, r"teams\.truc-ca\.overrides\[0\]: it ends before it begins"),
        ('from: "07:30"', 'days: [mon, tues], from: "07:30"',
         11, r"people\.binh\.hours\S*: `tues` is no day of the week"),
        ("on_duty_of_unit", "on_duty_of_units",
         21, r"routes\[0\]\S*: unknown key `on_duty_of_units`; did you mean `on_duty_of_unit`\?"),
    ],
)  # fmt: skip
def test_mistake_is_named_with_line_and_the_nearest_name(tmp_path: Path, before: str, after: str, line: int, words: str) -> None:
    """Whoever edits the roster at night is told what is wrong and where."""
    assert before in CHANNELS
    with pytest.raises(ConfigError, match=rf"notify\.yaml:{line}: {words}"):
        load(tmp_path, CHANNELS.replace(before, after))


def test_recording_carries_who_is_called_as_it_was_declared(tmp_path: Path) -> None:
    """A replay asks the same roster, hours and steps."""
    config = load(tmp_path, CHANNELS)
    assert recorded_site(site_document(config, ()), lambda _: None).plan == config.notify.plan
