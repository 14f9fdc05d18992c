"""Alembic's door: runs the migrations on the connection that `Database.migrate` hands over."""

from alembic import context

from services.catalog.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
