"""state.db: alarms and their journal, rule states, outbox, ledger, registry, silences, tokens."""

from ioc.adapters.state.store import StateDb

__all__ = ["StateDb"]
