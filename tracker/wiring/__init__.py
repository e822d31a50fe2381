"""Puts the parts together: the only place that reads settings and chooses an engine."""
