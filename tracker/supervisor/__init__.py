"""Starts, watches and stops the processes of `tracker up`."""
