"""What documents the rules: the ODD description, the claims behind them, and golden runs."""
