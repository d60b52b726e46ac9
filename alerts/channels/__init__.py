"""Notification channels, one module each; none knows its siblings."""
