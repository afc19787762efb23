package main

import (
	"fmt"
	"math/rand/v2"
)

// names yields the names to ask for, in turn.
type names struct {
	cached   []string
	uncached string
	count    int
}

func newNames(cached []string, uncached string) *names {
	return &names{cached: cached, uncached: uncached}
}

// next returns a name that may be in a cache, then one that cannot be, and so on.
func (n *names) next() string {
	place := n.count
	n.count++
	if n.uncached == "" {
		return n.cached[place%len(n.cached)]
	}
	if len(n.cached) == 0 || place%2 == 1 {
		return fmt.Sprintf("p%016x.%s", rand.Uint64(), n.uncached)
	}
	return n.cached[place/2%len(n.cached)]
}
