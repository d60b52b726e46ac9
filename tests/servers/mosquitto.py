"""A real Mosquitto on loopback, with persistence, that can be stopped, killed and started again on the same port."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from servers.certificates import Authority
from servers.old_protocol import OldProtocolFront
from servers.ports import free_port, listening
from servers.presence import program
from servers.process import ServerProcess
from servers.waiting import PATIENCE_S


class Mosquitto(ServerProcess):
    """A broker in its own folder. `url`, `host`, `port`; with TLS also `ca_file`, `cert_file`, `key_file`, `authority`."""

    def __init__(
        self,
        folder: Path,
        *,
        tls: bool = False,
        client_certificates: bool = False,
        users: Mapping[str, str] | None = None,
        acl: str | None = None,
        options: Mapping[str, object] | None = None,
    ) -> None:
        """Configures a broker in `folder`.

        `client_certificates` asks every client for a certificate of the broker's CA (its common name is the user name), `users` maps
        names to passwords and switches anonymous access off, `acl` is the text of an ACL file, `options` are further configuration
        lines (`{"max_queued_messages": 100}`).
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.host, self.port = "127.0.0.1", free_port()
        self.authority: Authority | None = None
        self.ca_file: Path | None = None
        self.cert_file: Path | None = None
        self.key_file: Path | None = None
        lines = [f"listener {self.port} {self.host}", *self._storage(), *self._access(users, acl)]
        if tls or client_certificates:
            lines += self._tls(client_certificates=client_certificates)
        lines += [f"{key} {value}" for key, value in ({"max_queued_messages": 0} | dict(options or {})).items()]
        configuration = folder / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        super().__init__(
            name="mosquitto",
            command=[program("mosquitto"), "-c", str(configuration)],
            log=folder / "mosquitto.log",
            ready=lambda: listening(self.port),
        )

    @property
    def url(self) -> str:
        """Broker URL as the configuration takes it."""
        return f"{'mqtts' if self.authority else 'mqtt'}://{self.host}:{self.port}"

    def save(self) -> None:
        """Asks the broker to write its persistence file now, as a kill right after would otherwise lose the sessions."""
        os.kill(self.pid, signal.SIGUSR1)

    def _storage(self) -> list[str]:
        # As root Mosquitto would become the user `mosquitto`, who can't write to a temporary folder of root's.
        owner = ["user root"] if os.geteuid() == 0 else []
        return [*owner, "persistence true", f"persistence_location {self.folder}/", "log_type error", "log_type warning", "log_type notice"]

    def _access(self, users: Mapping[str, str] | None, acl: str | None) -> list[str]:
        lines = [f"allow_anonymous {'false' if users else 'true'}"]
        if users:
            passwords = self.folder / "passwords"
            passwords.touch(mode=0o600)
            for name, password in users.items():
                subprocess.run([program("mosquitto_passwd"), "-b", str(passwords), name, password], check=True, timeout=PATIENCE_S)  # noqa: S603 - our own argv
            lines.append(f"password_file {passwords}")
        if acl is not None:
            rules = self.folder / "acl"
            rules.write_text(acl)
            rules.chmod(0o600)
            lines.append(f"acl_file {rules}")
        return lines

    def _tls(self, *, client_certificates: bool) -> list[str]:
        self.authority = Authority(self.folder / "tls")
        certificate, key = self.authority.issue("broker")
        self.ca_file = self.authority.ca_file
        self.cert_file, self.key_file = self.authority.issue("client")
        lines = [f"cafile {self.ca_file}", f"certfile {certificate}", f"keyfile {key}"]
        if client_certificates:
            lines += ["require_certificate true", "use_identity_as_username true"]
        return lines


class OldMosquitto(Mosquitto):
    """A broker that speaks MQTT 3.1.1 only: `port` and `url` lead to a front that turns MQTT 5 away.

    Mosquitto 2.0 has no option for that (accept_protocol_versions came later).
    """

    def __init__(self, folder: Path, *, answer: bool = True) -> None:
        """With `answer` an MQTT 5 CONNECT gets CONNACK 0x01 (unacceptable version), without it the connection just ends."""
        super().__init__(folder)
        self._front = OldProtocolFront(upstream_port=self.port, answer=answer)
        self._inner_port = self.port

    def start(self, deadline: float = PATIENCE_S) -> None:
        """Starts broker and front."""
        self.port = self._inner_port
        super().start(deadline)
        self.port = self._front.start()

    def stop(self) -> None:
        """Ends front and broker."""
        self._front.stop()
        super().stop()
