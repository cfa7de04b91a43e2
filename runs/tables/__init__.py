"""Tables that are ready to be shown: in pages and as files."""
