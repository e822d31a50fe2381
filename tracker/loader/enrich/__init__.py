"""One question a file, asked once for each distinct value."""
