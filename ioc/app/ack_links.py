"""The key of links that acknowledge, and what is signed with it."""

import secrets
from pathlib import Path
from typing import Literal

from alerts.ack_link import PATH, Target, read, sign
from alerts.message_fields import names_alarms
from alerts.notify_file import AckLinks
from alerts.private_file import write_private
from ioc.domain.alarm import OutboxMessage

KEY_NAME = "ack.key"
_KEY_BYTES = 32


class AckKey:
    """The key in the data folder, made at first need; a new one makes every link sent so far void."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / KEY_NAME
        self._key = b""

    @property
    def key(self) -> bytes:
        """The key in force."""
        if not self._key:
            try:
                self._key = bytes.fromhex(self._path.read_text("ascii"))
            except (FileNotFoundError, ValueError):
                self._key = b""
            if len(self._key) != _KEY_BYTES:
                self.revoke()
        return self._key

    def revoke(self) -> None:
        """Replaces the key; OSError where the data folder can't be written."""
        key = secrets.token_bytes(_KEY_BYTES)
        write_private(self._path, key.hex().encode())
        self._key = key


class LinkSigner:
    """Links for messages, by one key; `declared` None = messages carry none. Links already sent are read all the same."""

    def __init__(self, key: AckKey, declared: AckLinks | None) -> None:
        self._key = key
        self._declared = declared

    def link(self, message: OutboxMessage) -> str:
        """The same link at every attempt; empty where there is nothing to acknowledge, or links are not declared."""
        if self._declared is None or message.event == "cleared" or not names_alarms(message.body):
            return ""
        token = sign(self._key.key, Target(message.key, message.channel), message.at + self._declared.valid)
        return self._declared.url.rstrip("/") + PATH + token

    def read(self, token: str, now: int) -> Target | Literal["forged", "expired"]:
        """The target, or `forged` or `expired`."""
        return read(self._key.key, token, now)
