"""The shared language (domain), adapters to the outside, wiring, command line, HTTP API and wall."""
