"""One module a command: its options. Standard library only, for the start-up's sake."""
