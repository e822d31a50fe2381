"""Rule -> SQL -> members -> file."""
