"""One module for each data set, with its `SOURCE`. Names with an underscore here have a hyphen there."""
