"""One short module a command: wires the rooms together, decides nothing.

Each has `run(arguments) -> int`, an exit code, found by the command's name.
"""
