"""One question = one .py and one .sql with the same stem."""
