"""HTTP in, spool out. Imports no database driver: it accepts events while ClickHouse is down."""
