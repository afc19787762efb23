"""Was it worth it? Lookups' times and CoreDNS's counters, to distributions, a plot and claims.

Owns what a series of lookups is, its statistics, its document and how two runs compare. Pure: asks
nothing, reads nothing, and leaves out what it was not given.
"""
