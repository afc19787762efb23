"""Questions, vantage points and answers.

Owns what a DNS question is, how a probe pod on a node asks it, and how an answer is read and
judged. Asks nothing until it is called, and starts no pod that it does not take away again.
"""
