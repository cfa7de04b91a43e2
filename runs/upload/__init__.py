"""From the spool to another machine's Benchsite: no run lost, none stored twice, whatever fails on the way. No ORM."""
