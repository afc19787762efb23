// Command dnsprober asks a DNS server at a fixed rate and counts what is lost.
//
// It asks in up to three ways at once, each a stream of its own: over TCP with a
// connection for each lookup (tcp-new), over TCP connections held open for as long
// as they work (tcp-held), and over UDP with a socket for each lookup (udp). The
// rate never waits for answers: a server that stalls is asked all the same, as it
// would be by a node full of clients. In turn the names are one that a cache has
// and one that it cannot have, a random label under a zone where every name exists.
//
// It runs until SIGTERM, SIGINT or -duration, waits for the answers that are still
// due, and prints one JSON object.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options is what the command line asks for.
type options struct {
	server   string
	streams  []string
	rate     float64
	duration time.Duration
	timeout  time.Duration
	cached   []string
	uncached string
}

// report is what is printed at the end.
type report struct {
	Server  string              `json:"server"`
	Seconds float64             `json:"seconds"`
	Streams map[string]*summary `json:"streams"`
}

func main() {
	options, err := parseOptions()
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if options.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, options.duration)
		defer cancel()
	}
	if err := json.NewEncoder(os.Stdout).Encode(run(ctx, options)); err != nil {
		log.Fatal(err)
	}
}

func parseOptions() (options, error) {
	var o options
	flag.StringVar(&o.server, "server", "10.96.0.10:53", "address and port to ask")
	streams := flag.String("streams", "tcp-new", "comma-separated: tcp-new, tcp-held, udp")
	flag.Float64Var(&o.rate, "rate", 10, "lookups a second, for each stream")
	flag.DurationVar(&o.duration, "duration", 0, "how long to ask; 0 until a signal comes")
	flag.DurationVar(&o.timeout, "timeout", 5*time.Second, "after which a lookup counts as lost")
	cached := flag.String("cached", "kubernetes.default.svc.cluster.local", "comma-separated names that exist")
	flag.StringVar(&o.uncached, "uncached", "example.test", "zone to put random labels under; empty for none")
	flag.Parse()

	if _, _, err := net.SplitHostPort(o.server); err != nil {
		return options{}, fmt.Errorf("-server: %w", err)
	}
	if o.rate <= 0 {
		return options{}, fmt.Errorf("-rate must be more than 0, not %v", o.rate)
	}
	o.streams = strings.Split(*streams, ",")
	for _, stream := range o.streams {
		if newAsker(stream, o) == nil {
			return options{}, fmt.Errorf("-streams: there is no stream %q", stream)
		}
	}
	for name := range strings.SplitSeq(*cached, ",") {
		if name != "" {
			o.cached = append(o.cached, name)
		}
	}
	if len(o.cached) == 0 && o.uncached == "" {
		return options{}, fmt.Errorf("neither -cached nor -uncached names anything to ask for")
	}
	return o, nil
}

// run asks over every stream until the context ends, and waits for late answers.
func run(ctx context.Context, o options) report {
	started := time.Now()
	result := report{Server: o.server, Streams: map[string]*summary{}}
	var all sync.WaitGroup
	for _, stream := range o.streams {
		counted := newSummary()
		result.Streams[stream] = counted
		all.Go(func() { probe(ctx, newAsker(stream, o), o, counted) })
	}
	all.Wait()
	for _, counted := range result.Streams {
		counted.close()
	}
	result.Seconds = time.Since(started).Seconds()
	return result
}

// probe starts one lookup per tick, whether or not earlier ones were answered.
func probe(ctx context.Context, asker asker, o options, counted *summary) {
	names := newNames(o.cached, o.uncached)
	tick := time.NewTicker(time.Duration(float64(time.Second) / o.rate))
	defer tick.Stop()
	var pending sync.WaitGroup
	for ctx.Err() == nil {
		name := names.next()
		counted.sent()
		pending.Go(func() { counted.done(asker.ask(name)) })
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	pending.Wait()
	asker.close()
}
