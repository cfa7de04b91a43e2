"""Writes to the results database, each in one transaction."""
