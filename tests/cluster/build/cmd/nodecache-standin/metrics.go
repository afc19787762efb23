package main

import (
	"log"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var setupErrors = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "coredns",
	Subsystem: "nodecache",
	Name:      "setup_errors_total",
	Help:      "The number of errors during periodic network setup for node-cache",
}, []string{"errortype"})

// setupErrorTypes are the values of the label; each is there, at zero, from the start.
var setupErrorTypes = []string{"iptables", "iptables_lock", "interface_add", "interface_check", "configmap"}

// serveSetupMetrics serves the registry that the prometheus plugin serves too, on
// an address of its own. When that is taken, the agent goes on without the counters.
func serveSetupMetrics(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Printf("[ERROR] Failed to start metrics handler: %v", err)
		return
	}
	prometheus.MustRegister(setupErrors)
	for _, kind := range setupErrorTypes {
		setupErrors.WithLabelValues(kind)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.Handler())
	go func() {
		log.Printf("[ERROR] metrics: %v", http.Serve(listener, mux))
	}()
}

// countSetupError counts a failure of the agent's own work.
func countSetupError(kind string) {
	setupErrors.WithLabelValues(kind).Inc()
}
