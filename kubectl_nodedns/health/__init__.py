"""Whether DNS is well here, or would be with a cache: evidence gathered once, judged by checks.

Owns the one way in which evidence is read for `check`, `check --pre`, `status`, the preflight of
`enable` and the screen's findings: objects, counters, proofs by probes that it is handed. Writes
nothing; what it sends beside reads are server dry runs and questions about rights. Prints nothing.
"""
