"""Why a connection ended, or never came about: named for people, classed for the back-off."""

import os
import socket
import ssl
from enum import StrEnum

import msgspec

UNSUPPORTED_VERSION = 0x84
_BAD_CREDENTIALS = 0x86
NOT_AUTHORISED = 0x87
TAKEN_OVER = 0x8E
_CLIENT_ID_REFUSED = 0x85


class Kind(StrEnum):
    """What the next attempt depends on."""

    LEFT = "left"
    """We disconnected cleanly."""
    LOST = "lost"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """CONNACK or SUBACK said no, or the certificate did."""
    WRONG_VERSION = "wrong_version"
    NO_ANSWER = "no_answer"
    """No CONNACK: too slow, or a broker that ignores this version."""
    TAKEN_OVER = "taken_over"
    FAULT = "fault"
    """An error of our own."""


class Ending(msgspec.Struct, frozen=True):
    """How it ended; `detail` is a sentence for people."""

    kind: Kind
    detail: str


def unreachable(error: OSError, url: str) -> Ending:
    """What an exception while opening the socket means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Ending(Kind.REFUSED, f"the certificate of {url} is not trusted: {error.verify_message}; check ca_file and the host name")
    if isinstance(error, ssl.SSLError):
        return Ending(Kind.REFUSED, f"no TLS with {url}: {_short(error)}; check scheme, port and certificates")
    if isinstance(error, TimeoutError):
        return Ending(Kind.UNREACHABLE, f"the broker {url} can't be reached: no answer in time")
    if isinstance(error, socket.gaierror):
        return Ending(Kind.UNREACHABLE, f"the broker {url} can't be reached: its name can't be resolved ({error.strerror})")
    return Ending(Kind.UNREACHABLE, f"the broker {url} can't be reached: {_words(error)}")


def lost(error: OSError | None, detail: str) -> Ending:
    """A connection that broke; `error` is what the socket said last."""
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "").upper():
        return Ending(Kind.REFUSED, f"the broker refuses our certificate: {_short(error)}; check cert_file and key_file")
    if error is not None:
        return Ending(Kind.LOST, f"connection lost: {_words(error)}")
    return Ending(Kind.LOST, f"connection lost: {detail}")


def refused(code: int, name: str, *, user: str | None, client_id: str) -> Ending:
    """A CONNACK with this reason code (MQTT 5 numbering)."""
    who = f"user {user!r}" if user else "an anonymous client"
    if code == UNSUPPORTED_VERSION:
        return Ending(Kind.WRONG_VERSION, "the broker does not speak this MQTT version")
    if code == _BAD_CREDENTIALS:
        return Ending(Kind.REFUSED, f"wrong credentials: the broker refuses {who}; check username and password")
    if code == NOT_AUTHORISED:
        return Ending(
            Kind.REFUSED, f"wrong credentials or not authorised: the broker refuses {who}; check username, password and its access list"
        )
    if code == _CLIENT_ID_REFUSED:
        return Ending(Kind.REFUSED, f"the broker refuses client id {client_id!r}")
    return Ending(Kind.REFUSED, f"the broker refuses the connection: {name}")


def closed_by_broker(code: int, name: str, *, client_id: str) -> Ending:
    """A DISCONNECT sent by the broker."""
    if code == TAKEN_OVER:
        return taken_over(client_id)
    if code == NOT_AUTHORISED:
        return Ending(Kind.REFUSED, "not authorised: the broker ended the connection; check its access list")
    return Ending(Kind.LOST, f"the broker ended the connection: {name}")


def taken_over(client_id: str, *, certain: bool = True) -> Ending:
    """Another client uses our id; without MQTT 5 that can only be guessed."""
    said = "taken over by" if certain else "ended again and again, probably by"
    return Ending(Kind.TAKEN_OVER, f"session {said} another client with the same client id {client_id!r}; give each its own")


def subscribe_refused(filters: list[str]) -> Ending:
    """SUBACK refused these filters."""
    return Ending(Kind.REFUSED, f"SUBSCRIBE refused by the broker: not authorised for {', '.join(filters)}; check its access list")


def _words(error: OSError) -> str:
    # asyncio words a refused connection itself; the system's words are shorter.
    return os.strerror(error.errno).lower() if error.errno else str(error.strerror or error)


def _short(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
