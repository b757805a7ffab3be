"""Networks: perceptrons, attention, messages between agents, critics."""
