"""The marketers' dashboard. Speaks HTTP to the API and nothing else."""
