"""Kubernetes over the wire.

Owns credentials, the one HTTP session, and the verbs get, list, watch, apply, delete, proxy and
exec, all in plain JSON. Knows nothing about DNS. The only room that imports `kubernetes`.
"""
