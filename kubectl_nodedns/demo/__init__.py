"""A cluster inside the process: for people who have none at hand, for pictures, and for tests.

Owns an emulated API server on loopback (objects, lists, watches, writes, reviews), the controllers
and kubelets behind it, and node caches with names, answers, counters, traffic and faults. Speaks to
the outside as Kubernetes does, over HTTP. Uses nothing of the other rooms, and no room uses it:
whatever works here works because the wire says the same as a real cluster's.
"""
