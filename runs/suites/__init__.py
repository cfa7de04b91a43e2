"""Suites: what to measure, as TOML; and the plan that comes of one."""
