"""Adapters to the outside: stores, state, files."""
