"""Carrying out a plan on this machine: what `runbench` does between parsing its options and printing."""
