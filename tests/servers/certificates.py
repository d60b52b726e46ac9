"""A certificate authority for one test: server and client certificates made with the openssl command."""

import subprocess
from pathlib import Path

from servers.waiting import PATIENCE_S

_SERVER_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


class Authority:
    """A fresh CA in a folder; `ca_file` is its certificate."""

    def __init__(self, folder: Path, name: str = "ioc test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.ca_file = folder / "ca.crt"
        self._ca_key = folder / "ca.key"
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", f"/CN={name}", "-keyout", str(self._ca_key), "-out", str(self.ca_file),
        )  # fmt: skip

    def issue(self, name: str, *, days: int = 30) -> tuple[Path, Path]:
        """(certificate, key) for a common name, valid for `localhost` and 127.0.0.1; negative `days` make an expired one."""
        certificate, key = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        request, names = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        names.write_text(_SERVER_NAMES + "\n")
        _openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
            "-keyout", str(key), "-out", str(request),
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.ca_file), "-CAkey", str(self._ca_key), "-CAcreateserial",
            "-days", str(days), "-extfile", str(names), "-out", str(certificate),
        )  # fmt: skip
        return certificate, key


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603, S607 - our own argv
    if done.returncode:
        message = f"openssl {arguments[0]}: {done.stderr.strip()}"
        raise RuntimeError(message)
