"""Short-lived Jobs on nodes, and the probe pods among them.

Owns how such a Job is made, watched and taken away whatever comes between, the pool of probe pods
of a run, and why a probe does not run. Runs commands in pods, and knows no DNS question.
"""
