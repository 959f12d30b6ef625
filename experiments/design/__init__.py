"""What is varied, and at which points: policies and their arms, draws and worlds, factors, plans and their files."""
