"""Read a Benchsite's results into pandas: needs no Django, and no framework."""

from benchsite.client.site import CellFilters, RunFilters, ScopeFilters, Site, SiteError

__all__ = ["CellFilters", "RunFilters", "ScopeFilters", "Site", "SiteError"]
