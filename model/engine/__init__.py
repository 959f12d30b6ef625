"""What runs the rules: the two drivers, the judge of outcomes, and the memory of a world."""
