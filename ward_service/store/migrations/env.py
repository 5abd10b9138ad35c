"""Alembic's door: it is called by `store/migrate.py` with a connection, never from a shell."""

from alembic import context

from ward_service.store.tables.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
