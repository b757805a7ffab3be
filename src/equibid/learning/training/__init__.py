"""The trainer: courses of steps, checkpoints, loggers, what is kept and judged."""

__all__: list[str] = []
