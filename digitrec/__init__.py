"""digitrec: read handwritten digits, and see how an MLP and a CNN do it."""

__version__ = "0.2.0"
