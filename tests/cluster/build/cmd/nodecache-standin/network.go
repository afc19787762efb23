package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os/exec"
	"sync"

	"github.com/vishvananda/netlink"
)

// iptablesResourceProblem is iptables' exit status when it could not have its lock.
const iptablesResourceProblem = 4

const (
	skipConntrack = "NodeLocal DNS Cache: skip conntrack"
	allowTraffic  = "NodeLocal DNS Cache: allow DNS traffic"
)

// rule is one packet filter rule.
type rule struct {
	table string
	chain string
	spec  []string
}

// network is the part of the node that the agent changes.
type network struct {
	config *config
	rules  []rule

	mu       sync.Mutex
	tornDown bool
}

func newNetwork(config *config) *network {
	n := &network{config: config}
	if config.setUpIPTables {
		for _, ip := range config.localIPs {
			n.rules = append(n.rules, rulesFor(ip.String(), config.dnsPort, config.healthPort)...)
		}
	}
	return n
}

// rulesFor returns the rules of one address. NOTRACK makes a packet skip NAT, so
// that kube-proxy does not rewrite it and it stays on this node.
func rulesFor(ip, dnsPort, healthPort string) []rule {
	var rules []rule
	add := func(table, chain, comment, target, protocol string, match ...string) {
		spec := append([]string{"-p", protocol}, match...)
		spec = append(spec, "-m", "comment", "--comment", comment, "-j", target)
		rules = append(rules, rule{table: table, chain: chain, spec: spec})
	}
	for _, protocol := range []string{"tcp", "udp"} {
		add("raw", "PREROUTING", skipConntrack, "NOTRACK", protocol, "-d", ip, "--dport", dnsPort)
		add("filter", "INPUT", allowTraffic, "ACCEPT", protocol, "-d", ip, "--dport", dnsPort)
		add("raw", "OUTPUT", skipConntrack, "NOTRACK", protocol, "-s", ip, "--sport", dnsPort)
		add("filter", "OUTPUT", allowTraffic, "ACCEPT", protocol, "-s", ip, "--sport", dnsPort)
		// For clients on the node's own network.
		add("raw", "OUTPUT", skipConntrack, "NOTRACK", protocol, "-d", ip, "--dport", dnsPort)
	}
	add("raw", "OUTPUT", skipConntrack, "NOTRACK", "tcp", "-d", ip, "--dport", healthPort)
	add("raw", "OUTPUT", skipConntrack, "NOTRACK", "tcp", "-s", ip, "--sport", healthPort)
	return rules
}

// ensureRules puts every missing rule before all others of its chain.
func (n *network) ensureRules() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tornDown {
		return
	}
	for _, rule := range n.rules {
		if rule.exists() {
			continue
		}
		if err := rule.run("-I"); err != nil {
			log.Printf("[ERROR] rule %v: %v", rule, err)
			countSetupError(iptablesErrorType(err))
			continue
		}
		log.Printf("[INFO] Added rule %v", rule)
	}
}

// ensureLink makes the link and gives it the addresses that it lacks.
func (n *network) ensureLink() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.config.setUpInterface || n.tornDown {
		return
	}
	link, err := netlink.LinkByName(n.config.interfaceName)
	if err != nil {
		if link, err = addLink(n.config.interfaceName); err != nil {
			log.Printf("[ERROR] link %s: %v", n.config.interfaceName, err)
			countSetupError("interface_add")
			return
		}
		log.Printf("[INFO] Added interface - %s", n.config.interfaceName)
	}
	for _, ip := range n.config.localIPs {
		if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: hostNet(ip)}); err != nil {
			log.Printf("[ERROR] address %s: %v", ip, err)
			countSetupError("interface_check")
		}
	}
}

// addLink makes a dummy link or, where the kernel has none, a bridge without ports.
func addLink(name string) (netlink.Link, error) {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	dummy := &netlink.Dummy{LinkAttrs: attributes}
	dummyErr := netlink.LinkAdd(dummy)
	if dummyErr == nil {
		return netlink.LinkByName(name)
	}
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attributes}); err != nil {
		return nil, fmt.Errorf("dummy: %w, bridge: %w", dummyErr, err)
	}
	return netlink.LinkByName(name)
}

// hostNet returns the network that holds one address only.
func hostNet(ip net.IP) *net.IPNet {
	if v4 := ip.To4(); v4 != nil {
		return &net.IPNet{IP: v4, Mask: net.CIDRMask(32, 32)}
	}
	return &net.IPNet{IP: ip, Mask: net.CIDRMask(128, 128)}
}

// tearDown removes the rules, as often as each is there, and then the link.
func (n *network) tearDown() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tornDown = true
	log.Printf("[INFO] Tearing down")
	for _, rule := range n.rules {
		for rule.exists() {
			if err := rule.run("-D"); err != nil {
				log.Printf("[ERROR] rule %v: %v", rule, err)
				break
			}
		}
	}
	if !n.config.setUpInterface {
		return
	}
	link, err := netlink.LinkByName(n.config.interfaceName)
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		log.Printf("[ERROR] link %s: %v", n.config.interfaceName, err)
	}
}

func (r rule) exists() bool {
	return r.run("-C") == nil
}

// run calls iptables, waiting for its lock, with an action on this rule.
func (r rule) run(action string) error {
	arguments := append([]string{"-w", "-t", r.table, action, r.chain}, r.spec...)
	output, err := exec.Command("iptables", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// iptablesErrorType returns the label under which a failure of iptables is counted.
func iptablesErrorType(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == iptablesResourceProblem {
		return "iptables_lock"
	}
	return "iptables"
}
