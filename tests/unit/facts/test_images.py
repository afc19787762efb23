"""How long a pod may be without its image, counted for each of many."""

from __future__ import annotations

from kubectl_nodedns.facts.images import IMAGE_PATIENCE, Imageless

START = 1000.0


def test_a_pod_is_waited_for_as_long_as_a_kubelet_may_need_to_ask_again() -> None:
    imageless = Imageless()
    assert not imageless.too_long("a", START, imageless=True)
    assert not imageless.too_long("a", START + IMAGE_PATIENCE - 0.1, imageless=True)
    assert imageless.too_long("a", START + IMAGE_PATIENCE, imageless=True)


def test_a_pull_that_goes_on_counts_anew() -> None:
    imageless = Imageless()
    imageless.too_long("a", START, imageless=True)
    assert not imageless.too_long("a", START + IMAGE_PATIENCE, imageless=False)
    assert not imageless.too_long("a", START + IMAGE_PATIENCE + 1, imageless=True)


def test_each_pod_is_counted_by_itself() -> None:
    imageless = Imageless()
    imageless.too_long("a", START, imageless=True)
    assert not imageless.too_long("b", START + IMAGE_PATIENCE, imageless=True)
    assert imageless.too_long("a", START + IMAGE_PATIENCE, imageless=True)
