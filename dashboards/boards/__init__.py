"""Boards, one module each; none knows its siblings."""
