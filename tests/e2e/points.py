"""What the store holds, read back through InfluxQL."""

from collections import Counter
from typing import Any

from servers.influxdb import InfluxDB


def rows(server: InfluxDB, bucket: str, measurement: str, *fields: str) -> list[dict[str, Any]]:
    """Every point of a measurement: its fields, tags and time (Unix ms)."""
    chosen = ", ".join(f'"{field}"' for field in fields)
    return server.influxql(bucket, f'SELECT {chosen} FROM "{measurement}" GROUP BY *')  # noqa: S608 - our own test names


def numbers(server: InfluxDB, bucket: str, *, field: str = "uptime_s", measurement: str = "speaker") -> Counter[int]:
    """How many points carry each message's number."""
    return Counter(int(row[field]) for row in rows(server, bucket, measurement, field) if row[field] is not None)


def count(server: InfluxDB, bucket: str, measurement: str = "speaker", field: str = "lag_ms") -> int:
    """How many points a measurement has."""
    found = server.influxql(bucket, f'SELECT count("{field}") AS "n" FROM "{measurement}"')  # noqa: S608 - our own test names
    return int(found[0]["n"]) if found else 0
