"""The simulated world: agents, rules, schedule and the two drivers that run them."""
