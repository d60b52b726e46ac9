"""Keys that no family declares: counted and listed, so that schema drift is seen."""

from collections import Counter
from collections.abc import Iterable

from collectors.ingest import Taken

MOST = 500
"""Different keys listed; further ones are counted under `other`."""
OTHER = "other"


class UnmappedKeys:
    """How often each undeclared key came, by family."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def note(self, batch: Iterable[Taken]) -> None:
        """Counts a batch's undeclared keys."""
        for taken in batch:
            for key in taken.unmapped:
                known = (taken.family, key) in self.counts or len(self.counts) < MOST
                self.counts[taken.family, key if known else OTHER] += 1
