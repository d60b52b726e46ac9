"""How long to wait before the next attempt to connect: exponential, jittered, pure."""


def backoff(failures: int, jitter: float, *, first: float, most: float) -> float:
    """Seconds after the n-th failure in a row (n ≥ 1): between half and all of first · 2^(n−1), at most `most`; jitter in [0, 1)."""
    ceiling = min(most, first * 2.0 ** min(failures - 1, 30))
    return ceiling * (0.5 + jitter / 2)
