"""Options and facts to objects, objects to a plan, a plan to a changed cluster; and back.

Owns what is installed, in which order, and how each step is gated. It is handed its proof as a
callable and never asks a DNS question itself.
"""
