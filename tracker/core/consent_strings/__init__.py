"""Decoders of the IAB's consent strings. Pure; what cannot be read in full is not read at all."""
