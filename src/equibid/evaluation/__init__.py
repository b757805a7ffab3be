"""Judgement: the arena, metrics with units, intervals, run folders."""
