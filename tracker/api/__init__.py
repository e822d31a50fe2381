"""The private HTTP API."""
