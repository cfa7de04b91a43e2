"""Read a Benchsite's results into pandas: needs no Django, and no framework."""

from benchsite.client.site import CELL, CellFilters, RunFilters, ScopeFilters, Site, SiteError

__all__ = ["CELL", "CellFilters", "RunFilters", "ScopeFilters", "Site", "SiteError"]
