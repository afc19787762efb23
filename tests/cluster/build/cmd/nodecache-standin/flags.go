package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
)

// config is what the command line asks for.
type config struct {
	localIPs        []net.IP
	setUpInterface  bool
	interfaceName   string
	setUpIPTables   bool
	syncInterval    time.Duration
	metricsAddress  string
	baseCorefile    string
	corefile        string
	kubeDNSFolder   string
	upstreamService string
	healthPort      string
	dnsPort         string
	skipTeardown    bool
	reloadBySignal  bool
}

// parseFlags reads the agent's flags together with those of CoreDNS.
func parseFlags() (*config, error) {
	var c config
	localIPs := flag.String("localip", "", "comma-separated addresses to serve on")
	flag.BoolVar(&c.setUpInterface, "setupinterface", true, "make the link and its addresses")
	flag.StringVar(&c.interfaceName, "interfacename", "nodelocaldns", "name of the link")
	flag.BoolVar(&c.setUpIPTables, "setupiptables", true, "put the packet filter rules in")
	// A duration that is multiplied by a second afterwards: the released agent's own trap.
	flag.DurationVar(&c.syncInterval, "syncinterval", 60, "seconds between two checks, as nanoseconds")
	flag.StringVar(&c.metricsAddress, "metrics-listen-address", "0.0.0.0:9353", "address of the setup metrics")
	flag.StringVar(&c.baseCorefile, "basecorefile", "/etc/coredns/Corefile.base", "template of the Corefile")
	flag.StringVar(&c.corefile, "corefile", "/etc/Corefile", "Corefile to write, unless -conf names one")
	flag.StringVar(&c.kubeDNSFolder, "kubednscm", "", "folder of the kube-dns ConfigMap")
	flag.StringVar(&c.upstreamService, "upstreamsvc", "kube-dns", "service that cluster names are forwarded to")
	flag.StringVar(&c.healthPort, "health-port", "8080", "port of the health plugin, for the rules")
	flag.BoolVar(&c.skipTeardown, "skipteardown", false, "leave link and rules at the end")
	flag.BoolVar(&c.reloadBySignal, "reloadwithsignal", false, "reload with SIGUSR1 instead of the reload plugin")
	flag.Parse()

	c.syncInterval *= time.Second
	c.dnsPort = dnsserver.Port
	if conf := flag.Lookup("conf").Value.String(); conf != "" {
		c.corefile = conf
	}
	for text := range strings.SplitSeq(*localIPs, ",") {
		ip := net.ParseIP(text)
		if ip == nil {
			return nil, fmt.Errorf("invalid localip specified - %q", text)
		}
		c.localIPs = append(c.localIPs, ip)
	}
	return &c, c.checkFamily()
}

// checkFamily refuses addresses of two families.
func (c *config) checkFamily() error {
	for _, ip := range c.localIPs {
		if (ip.To4() == nil) != (c.localIPs[0].To4() == nil) {
			return errors.New("all addresses of -localip must be of one family")
		}
	}
	return nil
}
