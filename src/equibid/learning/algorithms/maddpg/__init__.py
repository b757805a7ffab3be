"""Deterministic actors, led by critics that see everybody."""

__all__: list[str] = []
