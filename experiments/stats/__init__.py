"""Arrays in, arrays out: differences of pairs, variances, indices, boxes. Knows no policy and no file."""
