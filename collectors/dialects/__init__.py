"""Decoders of payloads that no declaration can express, one module each."""
