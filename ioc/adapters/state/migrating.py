"""Brings a state database to the newest schema; a newer one than this program's is refused."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from ioc.domain.state import StateSchemaError


def upgrade(connection: Connection, path: Path) -> None:
    """Runs the missing migrations on the connection, inside its transaction; StateSchemaError where that can't be."""
    config = Config()
    config.set_main_option("script_location", "ioc.adapters.state:migrations")
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    newest = script.get_current_head()
    present = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if present is not None and present not in known:
        msg = (
            f"{path} was written by a newer version of this program (schema {present}, known here up to {newest}); "
            "install that version or a newer one, or restore a backup made before the upgrade"
        )
        raise StateSchemaError(msg)
    if present is None and inspect(connection).get_table_names():
        msg = f"{path} holds tables that are not ours; move it away, or set data_dir to another folder"
        raise StateSchemaError(msg)
    command.upgrade(config, "head")
