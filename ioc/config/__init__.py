"""Configuration: hand-written YAML files, with file and line in every error."""
