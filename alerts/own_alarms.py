"""Alarms about ourselves, raised and cleared by our own conditions."""

from collections.abc import Callable

from alerts.book import AlarmBook
from alerts.inputs import OwnCondition
from alerts.own import own_rule
from alerts.row import Phase, Row, row_of
from alerts.text import cut
from ioc.domain.alarm import RuleState, Step

OURSELVES = ""
"""The device of rows about our own conditions."""
MAX_DETAIL = 400


class OwnAlarms:
    """One row for each of our own conditions; the same condition told again changes nothing."""

    def __init__(self, book: AlarmBook, note: Callable[[Row], None]) -> None:
        self._book = book
        self._note = note
        self._rows: dict[str, Row] = {}

    def restore(self, state: RuleState) -> None:
        """A row as it was committed."""
        self._rows[state.rule] = row_of(state, None)

    def row(self, rule: str) -> Row | None:
        """The row of one of our own conditions."""
        return self._rows.get(rule)

    def take(self, condition: OwnCondition, now: int) -> None:
        """A condition holds, or is over."""
        row = self._rows.get(condition.rule)
        if condition.since is not None:
            self._holds(row, condition, condition.since, now)
        elif row is not None:
            self._is_over(row, condition, now)

    def clock_set(self, at: int) -> None:
        """Our clock says `at` now, which may be earlier than what was decided by it: that must hide no beginning and no end."""
        for row in self._rows.values():
            if max(row.since, row.decided) >= at:
                row.since, row.decided = min(row.since, at), min(row.decided, at - 1)
                self._note(row)

    def _holds(self, row: Row | None, condition: OwnCondition, since: int, now: int) -> None:
        if row is None:
            row = self._rows[condition.rule] = Row(rule=None, name=condition.rule, device=OURSELVES)
        elif row.phase is not Phase.WATCHING or row.waits or condition.at <= row.decided:
            return
        if row.last is not None and since <= row.last:
            since = condition.at  # a new alarm, not the old one's id again
        row.begin(since, since)
        row.alarm = self._book.raise_own(own_rule(condition.rule), since, now=now, detail=cut(condition.detail, MAX_DETAIL))
        self._note(row)

    def _is_over(self, row: Row, condition: OwnCondition, now: int) -> None:
        if row.phase is Phase.ACTIVE and condition.at >= row.since:
            detail = cut(condition.detail, MAX_DETAIL)
            self._book.end(row.alarm, Step.CLEARED, at=condition.at, now=now, by="system", detail=detail)
            row.clear(condition.at)
            self._note(row)
        elif row.phase is Phase.WATCHING and row.waits and condition.at > row.decided:
            row.end_wait()
            self._note(row)
