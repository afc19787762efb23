"""`top`: what watches the caches of a cluster, on a screen, printed, recorded and replayed.

Owns the request, and how source, recording, monitor, probes and screen are put together. Judges
and draws nothing itself; Textual is imported only when a screen is opened, because it is slow.
"""
