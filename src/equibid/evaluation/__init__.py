"""Judgement: the arena, metrics with units, intervals, run folders."""

__all__: list[str] = []
