"""What results are: outcomes, their scales and labels, values as cells."""
