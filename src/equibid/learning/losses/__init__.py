"""Losses and targets that algorithms share."""

__all__: list[str] = []
