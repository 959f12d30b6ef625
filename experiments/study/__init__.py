"""The study file: one SQLite database that holds a whole study and can be read while it grows."""
