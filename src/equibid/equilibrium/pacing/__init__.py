"""Exact first-price and second-price pacing equilibria."""

__all__: list[str] = []
