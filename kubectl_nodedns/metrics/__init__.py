"""From exposition text to a frozen snapshot of the fleet, in one direction.

exposition text -> samples -> page -> increases -> figures -> fleet snapshot -> views

Owns what a CoreDNS metrics page means, when each pod is scraped, and what nodes and cache pods
there are. The middle is pure; the network is in `discovery` and `source` alone, reached through a
client that is handed in. Draws nothing: the screen, the table and JSON read the same snapshot.

Four things that look alike are kept apart everywhere: not known is None; zero is 0.0; stale is a
figure whose `sampled_at` lies far back; failed is an error text, beside the last good figures.
"""
