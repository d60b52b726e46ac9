"""The composition root: the only place where parts come together, and where the clock is read."""
