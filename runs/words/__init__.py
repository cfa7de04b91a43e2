"""Numbers and names in the reader's language."""
