"""Run and profile records as text, and the spools that keep them."""
