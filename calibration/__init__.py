"""The evidence, the observation model that compares like with like, and the scorecard against both."""
