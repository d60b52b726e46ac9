"""What keeps the door to PostgreSQL open: the schema and the upserts exist in both dialects, with the same meaning."""

from typing import Any, cast

import pytest
from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from ioc.adapters.state.schema import ledger_totals, metadata, units
from ioc.adapters.state.upsert import accumulate, insert_missing, replace

DIALECTS: tuple[Dialect, ...] = (sqlite.dialect(), postgresql.dialect())  # type: ignore[no-untyped-call]


class WritingDown:
    """A connection that writes statements down instead of running them."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.said = ""

    def execute(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        """Keeps the statement's text."""
        assert rows
        self.said = " ".join(str(statement.compile(dialect=self.dialect)).split())


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_upserts_say_the_same_in_each_dialect(dialect: Dialect) -> None:
    """Keep, replace, and add up."""
    conn = WritingDown(dialect)
    opened = cast("Connection", conn)
    insert_missing(opened, units, [{"unit": "u"}])
    assert conn.said.endswith("ON CONFLICT (unit, valid_from) DO NOTHING")
    replace(opened, units, [{"unit": "u"}], keep=frozenset({"code"}))
    assert "ON CONFLICT (unit, valid_from) DO UPDATE SET valid_to = excluded.valid_to, name = excluded.name" in conn.said
    accumulate(opened, ledger_totals, [{"family": "f"}])
    assert "DO UPDATE SET received = (ledger_totals.received + excluded.received), stored = " in conn.said


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_table_can_be_created_in_each_dialect(dialect: Dialect) -> None:
    """No type and no constraint that only one of them knows."""
    for table in metadata.sorted_tables:
        assert f"CREATE TABLE {table.name} (" in str(CreateTable(table).compile(dialect=dialect))
