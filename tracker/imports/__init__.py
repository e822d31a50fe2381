"""History from files: a line is understood by a dialect, sent down the collector's road, appended to the spool."""
