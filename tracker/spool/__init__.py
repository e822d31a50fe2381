"""Append-only segments: the only thing between the collector and the loader."""
