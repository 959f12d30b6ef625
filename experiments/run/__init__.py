"""Who carries runs out: one runner, threads of this process or a cluster."""
