"""Bi-level policy gradient: best for the market among what nobody would leave."""

__all__: list[str] = []
