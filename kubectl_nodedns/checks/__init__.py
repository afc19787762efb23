"""What is wrong, said as findings: code, severity, what was seen, why it matters, the way out.

Owns the checks, which are data, and the one engine that runs them over what was read. `check`, the
gates of `enable` and the screen's findings panel use the same ones. Reads frozen values that it is
handed and nothing else: no network, no clock, no drawing. Gathering them is up to `health/`.
"""
