"""The HTTP API: other programs send an image or PDF, and get what was read as JSON."""
