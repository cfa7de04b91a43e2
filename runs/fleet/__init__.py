"""Many machines: who measures what, by an engine that only carries. Each machine's spool stays the ledger."""
