"""Small mutable things: sites, tokens, saved definitions, the ledger, the vault."""
