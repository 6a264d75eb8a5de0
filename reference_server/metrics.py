"""What Prometheus reads at /metrics.

With several workers, the environment variable PROMETHEUS_MULTIPROC_DIR, which must be set before this module
is imported, names the folder where they put their numbers together (prometheus_client, Multiprocess Mode).
"""

import os
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
_PREFIX = "reference_server"
_REQUESTS = Counter(f"{_PREFIX}_requests", "Requests that were answered.", ["endpoint", "model", "status"])
_SECONDS = Histogram(
    f"{_PREFIX}_request_seconds",
    "Seconds from a request's head to its answer.",
    ["endpoint", "model"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_IN_FLIGHT = Gauge(
    f"{_PREFIX}_requests_in_flight", "Requests that are being answered.", multiprocess_mode="livesum"
)
_LOADED = Gauge(
    f"{_PREFIX}_model_load_seconds",
    "Seconds that loading took, in the slowest worker.",
    ["model", "version"],
    multiprocess_mode="livemax",
)

# The parts of the metrics by their labels: to find one again takes longer than to count.
_requests = cache(_REQUESTS.labels)
_seconds = cache(_SECONDS.labels)


def began() -> None:
    """A request has come."""
    _IN_FLIGHT.inc()


def ended(endpoint: str, model: str, status: str, seconds: float) -> None:
    """A request has been answered."""
    _IN_FLIGHT.dec()
    _requests(endpoint, model, status).inc()
    _seconds(endpoint, model).observe(seconds)


def loaded(model: str, version: str | None, seconds: float) -> None:
    """A model has been loaded."""
    _LOADED.labels(model, version or "").set(seconds)


def page() -> bytes:
    """The metrics of this server, in Prometheus' text format."""
    registry = REGISTRY
    if MULTIPROCESS in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    text: bytes = generate_latest(registry)
    return text
