"""Replay: ring buffers and priorities."""

__all__: list[str] = []
