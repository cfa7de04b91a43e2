"""Reads: querysets in, typed rows out."""
