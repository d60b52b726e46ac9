"""MQTT in, Samples out: session, decoding, families, batching, acknowledging, quarantine."""
