"""Gaussian actors, led by a value that sees everybody."""

__all__: list[str] = []
