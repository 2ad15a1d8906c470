"""Benefits administration for professional employer organisations."""

__version__ = "0.1.0"
