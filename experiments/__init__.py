"""Paired comparison of policy options: design, runner, store, statistics, tables and figures."""
