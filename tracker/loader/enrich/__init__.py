"""What can be said about an event from what it carries: one question a file, asked once for each distinct value."""
