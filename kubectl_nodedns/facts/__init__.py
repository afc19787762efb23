"""What this cluster is. Read only.

Owns the reading of DNS service, cluster domain, kube-proxy mode, nodes, clients and existing
caches, each as a frozen value with the evidence for it. Writes nothing and decides nothing.
"""
