package main

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// summary counts the lookups of one stream.
type summary struct {
	// Sent is how many lookups were started.
	Sent int `json:"sent"`
	// Answered is how many had an address in time.
	Answered int `json:"answered"`
	// Severed is how many of those were asked again, for their connection broke.
	Severed int `json:"severed"`
	// Lost is how many had none.
	Lost int `json:"lost"`
	// Errors is how many were lost for which reason.
	Errors map[string]int `json:"errors"`
	// LongestGap is the longest time, in seconds, in which no answer came.
	LongestGap float64 `json:"longest_gap_seconds"`

	mu         sync.Mutex
	lastAnswer time.Time
}

func newSummary() *summary {
	return &summary{Errors: map[string]int{}, lastAnswer: time.Now()}
}

func (s *summary) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Sent++
}

// done counts the end of a lookup.
func (s *summary) done(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, errSevered) {
		s.Severed++
		err = nil
	}
	if err != nil {
		s.Lost++
		s.Errors[kind(err)]++
		return
	}
	s.Answered++
	s.noteGap()
}

// close ends the account: the time since the last answer counts as a gap too, but
// only when lookups were lost in it.
func (s *summary) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Lost > 0 {
		s.noteGap()
	}
}

func (s *summary) noteGap() {
	now := time.Now()
	s.LongestGap = max(s.LongestGap, now.Sub(s.lastAnswer).Seconds())
	s.lastAnswer = now
}

// kind names the reason of a failure in a few fixed words.
func kind(err error) string {
	stage, _, _ := strings.Cut(err.Error(), ":")
	var timeout net.Error
	var rcode rcodeError
	switch {
	case errors.As(err, &rcode):
		return strings.ToLower(rcode.Error())
	case errors.Is(err, errNoAddress):
		return "no address"
	case errors.As(err, &timeout) && timeout.Timeout():
		return stage + " timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return stage + " refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return stage + " reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return stage + " closed"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return stage + " unreachable"
	}
	return err.Error()
}
