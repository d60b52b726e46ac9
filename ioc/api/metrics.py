"""The API's own metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ioc.api.stream import Hub


class ApiMetrics:
    """Registered once with the registry that /metrics shows."""

    def __init__(self, registry: CollectorRegistry, hub: Hub) -> None:
        self.requests = Counter("ioc_api_requests", "Requests answered.", ["method", "route", "status"], registry=registry)
        self.seconds = Histogram(
            "ioc_api_request_seconds",
            "Time to answer, streams left out.",
            ["route"],
            buckets=(0.005, 0.02, 0.1, 0.5, 2.0, 10.0),
            registry=registry,
        )
        Gauge("ioc_api_stream_clients", "Open event streams.", registry=registry).set_function(lambda: hub.readers)
        self.stream_resets = Counter("ioc_api_stream_resets", "Clients told to start again from a snapshot.", registry=registry)
