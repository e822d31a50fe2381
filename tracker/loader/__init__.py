"""Segments in, rows in ClickHouse out, effectively once."""
