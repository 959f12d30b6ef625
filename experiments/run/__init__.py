"""Who carries runs out: one runner, one pump, threads of this process or the workers of Dask."""
