"""The demo shop (being built)."""
