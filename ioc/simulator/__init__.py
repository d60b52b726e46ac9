"""Runs a simulated province: physical signals and connections only."""
