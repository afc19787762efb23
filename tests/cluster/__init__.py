"""A real Kubernetes, with several nodes, in namespaces of one Linux machine.

`python -m tests.cluster up` makes it. No container engine, image registry or hypervisor is needed:
the programs are built from Go modules (`programs`), images are written from files of this machine
(`archive`, `images`) and unpacked once for all nodes (`seed`).

How it holds together: `up` starts one supervisor as the first process of a new pid namespace. It
runs the control plane (`control_plane`), and one further process per node, which is again the
supervisor of new namespaces and runs containerd and kubelet there (`node_init`, `node`). What is
to run is written as files, and supervisors make it so (`supervisor`). No namespace, link, mount
or rule has a name outside of these processes; when the first one is killed, the kernel ends the
others, and everything that they held is gone. That is why `down` works after any accident
(`processes`, `tear_down`).

Tests use `cluster.Cluster`. The module owns nothing of the plugin and imports nothing from it.
"""
