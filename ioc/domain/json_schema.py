"""The JSON Schema (2020-12) of a family's telemetry payload, derived from its declaration."""

from ioc.domain.family import INT64_MAX, MAX_STRING, Family, Metric, MetricType

MAX_TS = 2**53 - 1
"""What every reader of JSON can hold as a whole number."""


def telemetry_schema(family: Family) -> dict[str, object]:
    """What a device of the family publishes on its channel `telemetry`; null means absent, further keys are allowed and listed."""
    properties: dict[str, object] = {
        "ts": {
            "description": "Unix milliseconds, or RFC 3339 with an offset; absent = assigned on arrival",
            "anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_TS}, {"type": "string", "format": "date-time"}, {"type": "null"}],
        },
        "seq": {"description": "A counter that shows gaps", "type": ["integer", "string", "null"]},
    }
    properties.update({metric.name: _metric(metric) for metric in family.metrics})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"ioc/v1/{family.family}/<device>/telemetry",
        "description": family.labels.en,
        "type": "object",
        "minProperties": 1,
        "maxProperties": 256,
        "properties": properties,
    }


def _metric(metric: Metric) -> dict[str, object]:
    schema: dict[str, object] = {"title": metric.labels.en, "description": metric.labels.vi}
    match metric.type:
        case MetricType.FLOAT:
            schema["type"] = ["number", "null"]
        case MetricType.INT:
            schema |= {"type": ["integer", "null"], "minimum": -INT64_MAX, "maximum": INT64_MAX}
        case MetricType.BOOL:
            schema["enum"] = [True, False, 0, 1, None]
        case MetricType.STRING:
            schema |= {"type": ["string", "null"], "maxLength": MAX_STRING}
        case MetricType.ENUM:
            schema["enum"] = [*metric.values, None]
    bounds = {"minimum": metric.min, "exclusiveMinimum": metric.above, "maximum": metric.max, "x-unit": metric.unit or None}
    schema |= {key: value for key, value in bounds.items() if value is not None}
    return schema
