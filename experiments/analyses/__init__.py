"""One question each: compare, replicate, sweep, sensitivity, discover, tradeoffs; and what a finished study says."""
