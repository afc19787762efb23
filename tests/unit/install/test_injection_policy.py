"""The admission policy that hands pods the cache."""

from __future__ import annotations

from kubectl_nodedns.install.injection_policy import LABEL, Resolver, objects, plain_patch

RESOLVER = Resolver(local_ip="169.254.20.11", kube_dns_ip="10.96.0.10", cluster_domain="k8s.test")


def test_the_cache_comes_first_and_kube_dns_second() -> None:
    patch = plain_patch(RESOLVER, "shop")
    assert patch["spec"]["dnsPolicy"] == "None"
    config = patch["spec"]["dnsConfig"]
    assert config["nameservers"] == ["169.254.20.11", "10.96.0.10"]
    assert config["searches"] == ["shop.svc.k8s.test", "svc.k8s.test", "k8s.test"]


def test_the_policy_writes_what_the_plain_patch_says() -> None:
    policy, _ = objects(RESOLVER, version="v1")
    expression = policy["spec"]["mutations"][0]["jsonPatch"]["expression"]
    assert 'nameservers: ["169.254.20.11", "10.96.0.10"]' in expression
    assert (
        'searches: [request.namespace + ".svc.k8s.test", "svc.k8s.test", "k8s.test"]' in expression
    )
    for option in plain_patch(RESOLVER)["spec"]["dnsConfig"]["options"]:
        assert f'options{{name: "{option["name"]}", value: "{option["value"]}"}}' in expression


def test_kube_system_is_never_touched_and_pods_can_opt_out() -> None:
    for obj in objects(RESOLVER, version="v1"):
        matches = obj["spec"].get("matchConstraints") or obj["spec"]["matchResources"]
        selector = matches["namespaceSelector"]
        assert selector["matchLabels"] == {LABEL: "enabled"}
        assert selector["matchExpressions"][0]["values"] == ["kube-system"]
    policy, binding = objects(RESOLVER, version="v1")
    assert policy["spec"]["matchConstraints"]["objectSelector"]["matchExpressions"] == [
        {"key": LABEL, "operator": "NotIn", "values": ["disabled"]}
    ]
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]


def test_a_failing_policy_does_not_keep_pods_from_being_created() -> None:
    policy, _ = objects(RESOLVER, version="v1")
    assert policy["spec"]["failurePolicy"] == "Ignore"


def test_the_version_is_the_one_that_the_cluster_serves() -> None:
    versions = {obj["apiVersion"] for obj in objects(RESOLVER, version="v1beta1")}
    assert versions == {"admissionregistration.k8s.io/v1beta1"}
