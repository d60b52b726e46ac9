"""What Alembic runs for each command: on the connection it was given, inside that connection's transaction."""

from alembic import context

from ioc.adapters.state.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
