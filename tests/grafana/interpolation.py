"""What Grafana puts in place of variables and macros before it sends a query."""

import re


def interpolate(query: str, *, since: int, until: int, variables: dict[str, str]) -> str:
    """The query with the period (Unix ms), a minute as interval, and each `${name:regex}`."""
    query = query.replace("$timeFilter", f"time >= {since}ms and time <= {until}ms").replace("$__interval", "1m")
    return re.sub(r"\$\{(\w+):regex\}", lambda found: variables[found[1]], query)
