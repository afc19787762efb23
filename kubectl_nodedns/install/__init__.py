"""Options and facts to objects, objects to a plan, a plan to a changed cluster; and back.

Owns what is installed, in which order, and how each step is gated. A command hands it one frozen
request (`requests`), who listens, and what makes probes and looks for obstacles (`proof`):

    enable    planning -> plan -> enabling -> rollout -> kubelet_rollout, injection -> result
    disable   uninstall_plan -> disabling -> uninstall -> result

`rollout` and `uninstall` are handed their proof and never ask a DNS question themselves.
"""
