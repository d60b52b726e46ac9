"""A publisher and a reader of single topics over paho, in a thread, as tests need them."""

import threading
from collections.abc import Iterable
from typing import Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from servers.waiting import PATIENCE_S


class Publisher:
    """Publishes and knows what was PUBACKed; `client_id` empty = one by the broker."""

    def __init__(self, port: int, *, client_id: str = "", ca_file: str | None = None) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self._client.max_inflight_messages_set(200)
        if ca_file is not None:
            self._client.tls_set(ca_file)
        self._port = port

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payloads: Iterable[bytes], *, qos: int = 1, retain: bool = False) -> None:
        """Publishes them in order and waits until the broker has them all."""
        for info in [self._client.publish(topic, payload, qos=qos, retain=retain) for payload in payloads]:
            info.wait_for_publish(PATIENCE_S)


def retained(port: int, topic: str) -> bytes | None:
    """The retained payload of a topic, None where there is none."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    seen: list[bytes] = []
    done = threading.Event()
    marker = f"{topic}/marker"

    def on_message(_client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        if message.topic == marker:
            done.set()
        elif message.retain:
            seen.append(bytes(message.payload))

    client.on_message = on_message
    client.on_subscribe = lambda *_: client.publish(marker, b"", qos=1) and None
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe([(topic, 1), (marker, 1)])
    done.wait(PATIENCE_S)
    client.disconnect()
    client.loop_stop()
    return seen[0] if seen else None
