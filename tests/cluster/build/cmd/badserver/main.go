// Command badserver is a DNS server that answers as no server should, on request.
//
// The first label of the name that is asked for chooses the misbehaviour; see answers.go.
// It serves UDP and TCP at port 53 of every address, and runs until it is ended.
package main

import (
	"flag"
	"log"

	"github.com/miekg/dns"
)

func main() {
	listen := flag.String("listen", ":53", "address and port to serve at, over UDP and TCP")
	flag.Parse()
	failed := make(chan error)
	for _, network := range []string{"udp", "tcp"} {
		server := &dns.Server{Addr: *listen, Net: network, Handler: dns.HandlerFunc(handle)}
		go func() { failed <- server.ListenAndServe() }()
	}
	log.Fatal(<-failed)
}
