"""ClickHouse behind one door: the same SQL for the embedded engine and for a server or cluster."""
