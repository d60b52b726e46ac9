"""Values and decisions shared by all packages: pure, without clock, socket, logger or store."""
