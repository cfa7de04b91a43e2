"""Conclusions from cells: what is alike, how it compares, and what follows. Pure; no ORM, no HTTP."""
