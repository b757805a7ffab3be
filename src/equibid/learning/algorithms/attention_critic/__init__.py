"""Attention-critic coordinated bidding."""

__all__: list[str] = []
