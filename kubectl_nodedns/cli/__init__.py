"""The command line: arguments in, exit code out.

Imports the standard library only, until a command runs, so that help, version and completion are
instant. Decides nothing about DNS or Kubernetes.
"""
