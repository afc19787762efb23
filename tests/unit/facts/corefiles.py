"""Corefiles as clusters have them."""

from __future__ import annotations

KUBEADM = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""

MANAGED = """\
# As clouds have it: customers add files of their own.
.:53 {
    errors
    ready
    health
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
    import custom/*.override
    template ANY ANY internal.cloudapp.net {
      match "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$"
      rcode NXDOMAIN
      fallthrough
    }
}
import custom/*.server
"""

CUSTOM = {
    "/etc/coredns/custom/corp.server": """\
corp.example:53 lab.example {
    errors
    cache 30
    forward . 10.0.0.2 10.0.0.3:53
}
""",
    "/etc/coredns/custom/log.override": "log\n",
    "/etc/coredns/custom/names.override": """\
hosts {
    192.0.2.10 git.corp.example registry.example  # the same names inside and outside
    192.0.2.11 api.default.svc.cluster.local
    fallthrough
}
rewrite stop {
    name regex (.*)\\.shop\\.example {1}.shop.svc.cluster.local
    answer auto
}
rewrite name exact old.default.svc.cluster.local new.default.svc.cluster.local
rewrite name suffix .intra. .corp.example.
""",
}

CACHE = """\
cluster.local:53 {
    errors
    cache {
        success 9984 30
        denial 9984 5
    }
    bind __PILLAR__LOCAL__DNS__
    forward . __PILLAR__CLUSTER__DNS__ {
        force_tcp
    }
}
in-addr.arpa:53 {
    forward . __PILLAR__CLUSTER__DNS__ {
        force_tcp
    }
}
ip6.arpa:53 {
    forward . __PILLAR__CLUSTER__DNS__ {
        force_tcp
    }
}
.:53 {
    cache 30
    forward . __PILLAR__UPSTREAM__SERVERS__
}
"""
