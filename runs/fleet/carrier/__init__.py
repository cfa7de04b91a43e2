"""What runs in the fleet's own environment, where Dask is and the site is not: nothing here imports the site."""
