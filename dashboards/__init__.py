"""Grafana as code: boards, rendering, planning and publishing."""
