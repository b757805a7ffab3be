"""The trainer: courses of steps, checkpoints, boards, what is kept and judged."""

__all__: list[str] = []
