"""Lookups as plain data, for `-o json` and `-o yaml`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.lookup.comparison import Outcome
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.vantage import Lookup


def document(
    *,
    name: str,
    rtype: str,
    lookups: Sequence[Lookup],
    outcome: Outcome,
    tried: Sequence[Answer] = (),
    unasked: Mapping[str, str] | None = None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return everything that is known about one question.

    Args:
        name: the absolute name that was asked for.
        rtype: the record type.
        lookups: what came back.
        outcome: the verdict on it.
        tried: answers to the names of the search list that came before, the last one included.
        unasked: nodes that nothing was asked from, and why.
        about: more members of the document, such as the pod that the question is about.
    """
    return {
        "name": name,
        "type": rtype,
        "search": [_tried(answer) for answer in tried],
        **(about or {}),
        "lookups": [_lookup(lookup) for lookup in lookups],
        "unasked": [{"node": node, "why": why} for node, why in (unasked or {}).items()],
        "differences": [
            {
                "kind": str(one.kind),
                "serious": one.serious,
                "text": one.text,
                "nodes": list(dict.fromkeys(lookup.node for lookup in one.lookups)),
                "addresses": list(dict.fromkeys(lookup.point.address for lookup in one.lookups)),
            }
            for one in outcome.differences
        ],
        "verdict": {
            "same": outcome.same,
            "intercepted": outcome.proved,
            "text": outcome.text,
        },
    }


def _tried(answer: Answer) -> dict[str, Any]:
    return {
        "name": answer.question.name,
        "rcode": answer.rcode or None,
        "records": len(answer.records),
        "microseconds": answer.microseconds,
        "error": answer.error or None,
    }


def _lookup(lookup: Lookup) -> dict[str, Any]:
    by = lookup.answered_by
    marker = lookup.marker
    return {
        "node": lookup.node,
        "where": str(lookup.point.where),
        "behind": lookup.point.target or None,
        **lookup.answer.as_json(),
        "answeredBy": {"node": by.node, "podUID": by.pod_uid} if by else None,
        "evidence": lookup.evidence or None,
        "marker": {
            "rcode": marker.rcode or None,
            "microseconds": marker.microseconds,
            "measured": marker.measured or None,
            "error": marker.error or None,
        }
        if marker
        else None,
    }
