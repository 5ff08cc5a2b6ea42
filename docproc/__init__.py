"""Read handwritten numbers off scanned forms, with a confidence that people can trust."""

__version__ = "0.1.0"
