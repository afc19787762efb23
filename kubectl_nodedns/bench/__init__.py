"""Was it worth it? Lookups' times and CoreDNS's counters, to distributions, a plot and claims.

Owns what is measured, where and how much, the measuring itself, what a series of lookups is, its
statistics, its document and how two runs compare. What is made of a run is pure: it asks nothing,
reads nothing, and leaves out what it was not given.
"""
