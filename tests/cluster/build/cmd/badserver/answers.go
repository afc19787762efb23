package main

import (
	"fmt"
	"log"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// ttl is the time to live of every record, in seconds.
	ttl = 5
	// slow is how long the name "slow" waits for its answer.
	slow = 1500 * time.Millisecond
	// hugeStrings is how many strings of 255 octets the name "huge" has: near the 64 KiB of a message.
	hugeStrings = 240
)

// control is a text of what a terminal would act on: an escape sequence that clears the screen, one
// that sets the title, a bell, a line end, a line that poses as dig's own, a right-to-left override.
const control = "\x1b[2J\x1b]0;owned\x07\r\n;; Query time: 7 usec\n\u202egnp.exe\x00\xff end"

// handle answers one query by the first label of its name.
func handle(w dns.ResponseWriter, query *dns.Msg) {
	if len(query.Question) != 1 {
		return
	}
	name := query.Question[0].Name
	overUDP := w.LocalAddr().Network() == "udp"
	response := new(dns.Msg).SetReply(query)
	response.RecursionAvailable = true
	switch strings.ToLower(dns.SplitDomainName(name)[0]) {
	case "silent":
		return
	case "slow":
		time.Sleep(slow)
		response.Answer = address(name)
	case "servfail":
		response.Rcode = dns.RcodeServerFailure
	case "garbage":
		writeRaw(w, append(identifier(query), "\x81\x80\x00\x01 no message"...))
		return
	case "wrongid":
		response.Id ^= 0xffff
		response.Answer = address(name)
	case "control":
		response.Answer = text(name, escaped(control))
	case "alias":
		target := escaped("\x1b[31mred") + ".bad.test."
		header := dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl}
		response.Answer = []dns.RR{&dns.CNAME{Hdr: header, Target: target}}
	case "huge":
		response.Truncated = overUDP
		if !overUDP {
			response.Answer = text(name, repeated(strings.Repeat("x", 255), hugeStrings)...)
		}
	case "cut":
		if !overUDP {
			_ = w.Close()
			return
		}
		response.Truncated = true
	default:
		response.Answer = address(name)
	}
	if err := w.WriteMsg(response); err != nil {
		log.Printf("%s: %v", name, err)
	}
}

func address(name string) []dns.RR {
	header := dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}
	return []dns.RR{&dns.A{Hdr: header, A: net.IPv4(192, 0, 2, 1)}}
}

func text(name string, parts ...string) []dns.RR {
	header := dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: ttl}
	return []dns.RR{&dns.TXT{Hdr: header, Txt: parts}}
}

func repeated(part string, times int) []string {
	parts := make([]string, times)
	for i := range parts {
		parts[i] = part
	}
	return parts
}

// escaped writes octets as the library wants them, so that they are on the wire as they are here.
func escaped(octets string) string {
	var b strings.Builder
	for i := range len(octets) {
		fmt.Fprintf(&b, "\\%03d", octets[i])
	}
	return b.String()
}

func identifier(query *dns.Msg) []byte {
	return []byte{byte(query.Id >> 8), byte(query.Id)}
}

func writeRaw(w dns.ResponseWriter, octets []byte) {
	if _, err := w.Write(octets); err != nil {
		log.Printf("garbage: %v", err)
	}
}
