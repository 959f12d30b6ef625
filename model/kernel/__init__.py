"""What rules stand on: columns, keyed draws, exp and log, and machine code that is kept."""
