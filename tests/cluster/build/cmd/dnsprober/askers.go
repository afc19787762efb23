package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// asker asks for one name and says what went wrong, if anything did.
type asker interface {
	ask(name string) error
	close()
}

// newAsker returns the asker of a stream, nil when there is no such stream.
func newAsker(stream string, o options) asker {
	switch stream {
	case "tcp-new":
		return fresh{network: "tcp", server: o.server, timeout: o.timeout}
	case "udp":
		return fresh{network: "udp", server: o.server, timeout: o.timeout}
	case "tcp-held":
		return &held{server: o.server, timeout: o.timeout}
	}
	return nil
}

// retryPause is how long a lookup waits before it is asked again.
const retryPause = 50 * time.Millisecond

// fresh opens a socket for each lookup. A connection that breaks or hangs under a lookup
// was open while the way to the server changed. The lookup is asked again, as RFC 7766
// section 6.2.4 has clients do, for as long as the second attempt of a stub resolver lasts
// (resolv.conf(5), "attempts"), and counted as severed when that is answered.
type fresh struct {
	network string
	server  string
	timeout time.Duration
}

func (f fresh) ask(name string) error {
	err := f.once(name, time.Now().Add(f.timeout))
	if f.network != "tcp" || !severed(err) {
		return err
	}
	deadline := time.Now().Add(f.timeout)
	for severed(err) && time.Until(deadline) > retryPause {
		time.Sleep(retryPause)
		err = f.once(name, deadline)
	}
	if err != nil {
		return err
	}
	return errSevered
}

func (f fresh) once(name string, deadline time.Time) error {
	conn, err := net.DialTimeout(f.network, f.server, time.Until(deadline))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }()
	return exchange(conn, name, deadline)
}

func (fresh) close() {}

// held keeps connections open and asks over the one that has been idle longest, so
// that none is idle long enough for the server to close it. A connection on which a
// lookup failed is closed: the failure is counted, and a later lookup opens another.
type held struct {
	server  string
	timeout time.Duration

	mu   sync.Mutex
	idle []net.Conn
}

func (h *held) ask(name string) error {
	deadline := time.Now().Add(h.timeout)
	conn, err := h.take()
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := exchange(conn, name, deadline); err != nil {
		_ = conn.Close()
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.idle = append(h.idle, conn)
	return nil
}

func (h *held) take() (net.Conn, error) {
	if conn := h.longestIdle(); conn != nil {
		return conn, nil
	}
	return net.DialTimeout("tcp", h.server, h.timeout)
}

func (h *held) longestIdle() net.Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) == 0 {
		return nil
	}
	conn := h.idle[0]
	h.idle = h.idle[1:]
	return conn
}

func (h *held) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, conn := range h.idle {
		_ = conn.Close()
	}
}

// exchange sends a question and waits for its answer. An answer without an address
// is a failure: every name that is asked for has one.
func exchange(conn net.Conn, name string, deadline time.Time) error {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	wire := &dns.Conn{Conn: conn}
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if err := wire.WriteMsg(question); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	for {
		answer, err := wire.ReadMsg()
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if answer.Id != question.Id {
			continue
		}
		if answer.Rcode != dns.RcodeSuccess {
			return rcodeError(answer.Rcode)
		}
		if len(answer.Answer) == 0 {
			return errNoAddress
		}
		return nil
	}
}

// errSevered is a lookup that was answered when its connection broke and it was asked again.
var errSevered = errors.New("severed")

// severed says whether a connection broke or went silent, in its handshake or later,
// before the answer came. One that is refused is another matter.
//
// Unreachable is what a handshake gets that has the port of a connection which a switch
// cut: a segment that the cache still sent is in the node's connection tracking, with
// the service's address as its source, for up to 120 s (FIN_WAIT). A SYN from that port
// belongs to that entry, is not rewritten to an endpoint, and has no way to go. The next
// attempt has another port.
func severed(err error) bool {
	var timeout net.Error
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		(errors.As(err, &timeout) && timeout.Timeout())
}

// errNoAddress is an answer that says the name has no address.
var errNoAddress = errors.New("no address")

// rcodeError is an answer that says the lookup failed.
type rcodeError int

func (r rcodeError) Error() string { return dns.RcodeToString[int(r)] }
