"""Rule kinds, one module each; none knows its siblings."""
