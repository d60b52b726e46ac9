"""Whether a state database has the newest schema; what brings it there is loaded only where it has not."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

NEWEST = "0001"
"""The last revision in `migrations/versions`."""


def upgrade(connection: Connection, path: Path) -> None:
    """Runs the missing migrations on the connection, inside its transaction; StateSchemaError where that can't be."""
    if _present(connection) == NEWEST:
        return
    from ioc.adapters.state import migrating  # noqa: PLC0415  Alembic: 11 MB and a tenth of the start, hardly ever needed

    migrating.upgrade(connection, path)


def _present(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
