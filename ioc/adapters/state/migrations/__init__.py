"""Alembic migrations of state.db, part of the package so that an installed wheel has them."""
