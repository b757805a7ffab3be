"""Networks: perceptrons, attention, messages between agents, critics."""

__all__: list[str] = []
