// Command nodecache-standin stands in for node-cache, the agent of NodeLocal
// DNSCache, in this project's test cluster. It is not the released agent.
//
// The DNS server is the real one: CoreDNS with the plugins that the released agent
// has, so that answers, caching and metrics are genuine. The agent's own part
// (flags, Corefile from a template, link, packet filter rules, what happens at the
// end) is written from a description of the released agent's behaviour. Known
// differences: it is built with a newer CoreDNS, it has no trace plugin, and where
// the kernel has no dummy links it makes a bridge instead.
//
// The order matters to whoever tests with it. Link and addresses come before the
// DNS server, rules only after it: as soon as the pidfile exists or, without
// -pidfile, after the first sync interval. At SIGTERM the rules go first, the link
// next, and the servers last. After SIGKILL everything stays.
package main

import (
	"flag"
	"log"
	"os"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/coremain"
)

// pidfileInterval is how often the pidfile is looked for.
const pidfileInterval = 250 * time.Millisecond

func main() {
	config, err := parseFlags()
	if err != nil {
		log.Fatalf("[FATAL] %v", err)
	}
	log.Printf("[INFO] node-cache stand-in of the kubectl-nodedns tests, not the released agent")

	serveSetupMetrics(config.metricsAddress)
	template := newCorefileTemplate(config)
	template.update()
	go template.watch()

	network := newNetwork(config)
	network.ensureLink()
	go keepNetwork(network, config)
	if !config.skipTeardown {
		// CoreDNS calls this after its shutdown callbacks and before it stops serving.
		caddy.OnProcessExit = append(caddy.OnProcessExit, network.tearDown)
	}
	restrictPlugins()
	coremain.Run()
}

// keepNetwork puts the rules in once DNS is served, and everything back in place
// at every sync interval.
func keepNetwork(network *network, config *config) {
	tick := time.NewTicker(config.syncInterval)
	if pidfile := flag.Lookup("pidfile").Value.String(); pidfile != "" {
		waitForFile(pidfile)
		network.ensureRules()
	}
	for range tick.C {
		network.ensureRules()
		network.ensureLink()
	}
}

// waitForFile returns when the file exists.
func waitForFile(path string) {
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(pidfileInterval)
	}
}
