"""The market's response to factors, its derivatives, and the compiled kernels that compute them."""

__all__: list[str] = []
