"""Making sure at the start that the bucket exists, keeps points as long as configured, and can be queried by its name."""

from typing import Any

import msgspec

from ioc.adapters.influx_http import Answer, InfluxHttp, raise_unless_ok
from ioc.domain.point import StoreDeniedError, StoreUnavailableError

_NOT_FOUND = 404
_HOUR_S, _DAY_S = 3_600, 86_400
DEFAULT_SHARD_MS = _DAY_S * 1000


class Bucket(msgspec.Struct, frozen=True):
    """The bucket as the server has it; retention 0 = for ever."""

    id: str
    org_id: str
    retention_s: int
    shard_ms: int


async def prepare_bucket(http: InfluxHttp, org: str, name: str, retention_ms: int) -> Bucket:
    """The bucket, verified; created or changed where it differs. StoreDeniedError says what a person has to change."""
    retention_s = -(-retention_ms // 1000)
    if 0 < retention_s < _HOUR_S:
        detail = f"store.retention is {retention_s} s, but InfluxDB keeps nothing for less than an hour"
        raise StoreDeniedError(detail)
    bucket = await _find(http, org, name) or await _create(http, org, name, retention_s)
    if bucket.retention_s != retention_s:
        bucket = await _set_retention(http, bucket, name, retention_s)
    await _map_database(http, bucket, name)
    return bucket


async def _find(http: InfluxHttp, org: str, name: str) -> Bucket | None:
    answer = await http.get("/api/v2/buckets", {"org": org, "name": name})
    if answer.status == _NOT_FOUND and "organization" in answer.message:
        detail = f"{http.url} has no organisation {org!r} that this token may see; check store.org and store.token_file"
        raise StoreDeniedError(detail)
    if answer.status == _NOT_FOUND:
        return None
    raise_unless_ok(answer, http.url, f"looking for bucket {name!r}")
    found = _document(answer, http.url).get("buckets") or []
    return _bucket(found[0]) if found else None


async def _create(http: InfluxHttp, org: str, name: str, retention_s: int) -> Bucket:
    answer = await http.get("/api/v2/orgs", {"org": org})
    found = _document(answer, http.url).get("orgs") if answer.status != _NOT_FOUND else []
    raise_unless_ok(answer, http.url, f"looking for organisation {org!r}")
    if not found:
        detail = f"{http.url} has no bucket {name!r} that this token may see; check store.bucket, or give the token access to it"
        raise StoreDeniedError(detail)
    body = {"orgID": found[0]["id"], "name": name, "retentionRules": _rules(retention_s)}
    answer = await http.send_json("POST", "/api/v2/buckets", body)
    try:
        raise_unless_ok(answer, http.url, f"creating bucket {name!r}")
    except StoreDeniedError as error:
        detail = f"bucket {name!r} does not exist, or this token may not see it, and it can't be created: {error.detail}"
        raise StoreDeniedError(detail) from None
    return _bucket(_document(answer, http.url))


async def _set_retention(http: InfluxHttp, bucket: Bucket, name: str, retention_s: int) -> Bucket:
    answer = await http.send_json("PATCH", f"/api/v2/buckets/{bucket.id}", {"retentionRules": _rules(retention_s)})
    wish = f"bucket {name!r} keeps points {_words(bucket.retention_s)}, store.retention asks for {_words(retention_s)}"
    try:
        raise_unless_ok(answer, http.url, "setting the retention")
    except StoreDeniedError as error:
        detail = f"{wish}, and it can't be changed: {error.detail}"
        raise StoreDeniedError(detail) from None
    answer = await http.get(f"/api/v2/buckets/{bucket.id}", {})
    raise_unless_ok(answer, http.url, "reading the retention back")
    changed = _bucket(_document(answer, http.url))
    if changed.retention_s != retention_s:
        detail = f"{wish}; the server took the change but answers {_words(changed.retention_s)}"
        raise StoreDeniedError(detail)
    return changed


async def _map_database(http: InfluxHttp, bucket: Bucket, name: str) -> None:
    """InfluxQL names a database: one that answers from this bucket, and from no other, must exist."""
    answer = await http.get("/api/v2/dbrps", {"orgID": bucket.org_id, "db": name})
    raise_unless_ok(answer, http.url, "looking for the database mapping")
    mappings = [entry for entry in _document(answer, http.url).get("content") or [] if entry.get("database") == name]
    default = next((entry for entry in mappings if entry.get("default")), None)
    if default is None:
        body = {"orgID": bucket.org_id, "bucketID": bucket.id, "database": name, "retention_policy": "autogen", "default": True}
        raise_unless_ok(await http.send_json("POST", "/api/v2/dbrps", body), http.url, f"mapping database {name!r} to its bucket")
    elif default.get("bucketID") != bucket.id:
        detail = (
            f"database {name!r} of InfluxQL is mapped to another bucket ({default.get('bucketID')}), "
            f"so queries would not see bucket {name!r}; remove that mapping (influx v1 dbrp delete --id {default.get('id')})"
        )
        raise StoreDeniedError(detail)


def _rules(retention_s: int) -> list[dict[str, Any]]:
    return [{"type": "expire", "everySeconds": retention_s}]


def _words(retention_s: int) -> str:
    if retention_s == 0:
        return "for ever"
    return f"{retention_s // _DAY_S} days" if retention_s % _DAY_S == 0 else f"{retention_s} s"


def _bucket(entry: dict[str, Any]) -> Bucket:
    rule: dict[str, Any] = next(iter(entry.get("retentionRules") or []), {})
    shard_ms = int(rule.get("shardGroupDurationSeconds") or 0) * 1000
    return Bucket(str(entry["id"]), str(entry["orgID"]), int(rule.get("everySeconds") or 0), shard_ms or DEFAULT_SHARD_MS)


def _document(answer: Answer, url: str) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(answer.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    if not isinstance(document, dict):
        detail = f"{url} does not answer as InfluxDB 2 does; check store.url"
        raise StoreUnavailableError(detail)
    return document
