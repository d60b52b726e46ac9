"""`ioc demo`: a whole province on this machine, with nothing installed but this program."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from ioc.app.run import run
from ioc.config.load import Config, load_config
from ioc.domain.registry_import import parse_units

log = structlog.get_logger("ioc.demo")

MAIN = """\
# Written by `ioc demo`: the configuration that it runs on.
site: {{id: phu-tho, name: Phú Thọ, language: vi, timezone: Asia/Ho_Chi_Minh}}
data_dir: .
broker: {{url: "mqtt://127.0.0.1:{broker_port}", client_id: ioc-demo}}
store: {{kind: embedded, retention: 7d}}
cadence: {{speaker: {speaker}, network_site: {site}}}
registry: {{units: ./units.csv, devices: ./devices.csv}}
notify: {{file: ./notify.yaml}}
api: {{host: 127.0.0.1, port: {port}}}
"""
NOTIFY = """\
channels:
  outbox: {kind: file, path: outbox.jsonl}
routes:
  - {match: {severity: [critical]}, group_by: [rule, unit], group_wait: 5s, group_interval: 30s, repeat_interval: 4h, channels: [outbox]}
  - {group_by: [rule, unit], group_wait: 15s, group_interval: 1m, repeat_interval: 4h, channels: [outbox]}
"""
