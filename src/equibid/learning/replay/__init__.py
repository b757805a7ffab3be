"""Replay: ring buffers and priorities."""
