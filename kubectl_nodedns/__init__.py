"""kubectl nodedns: install, prove, watch and remove NodeLocal DNSCache."""

__version__ = "0.1.0"
