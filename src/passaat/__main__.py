"""`python -m passaat` is the `passaat` command."""

from passaat.cli import main

if __name__ == "__main__":
    main()
