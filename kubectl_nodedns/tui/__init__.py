"""The screen: the only room that imports Textual.

Owns layout, keys and colours. Decides nothing: figures are judged in `metrics.row_severity`, cells
are worded in `metrics.columns`, answers are judged in `verdict`. Speaks to no cluster: snapshots
and lookups come through the protocols of `ports`.
"""
