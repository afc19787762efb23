// Command apiforward accepts connections from an inherited socket and connects
// each of them with one address.
//
// A socket stays in the network namespace it was opened in: the listener, which
// must be file descriptor 3, belongs to the host's loopback, while this program
// runs, and dials, in the namespace of the test cluster.
package main

import (
	"errors"
	"io"
	"log"
	"net"
	"os"
	"sync"
)

// listenerDescriptor is where the supervisor puts the socket.
const listenerDescriptor = 3

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: apiforward ADDRESS, with a listening socket as file descriptor 3")
	}
	listener, err := net.FileListener(os.NewFile(listenerDescriptor, "listener"))
	if err != nil {
		log.Fatalf("file descriptor %d is not a listening socket: %v", listenerDescriptor, err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatalf("accept: %v", err)
		}
		go forward(client, os.Args[1])
	}
}

// forward connects a client with the address until both sides have ended.
func forward(client net.Conn, address string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", address)
	if err != nil {
		log.Printf("dial: %v", err)
		return
	}
	defer func() { _ = server.Close() }()
	var both sync.WaitGroup
	both.Go(func() { stream(server, client) })
	both.Go(func() { stream(client, server) })
	both.Wait()
}

// stream copies one direction and passes its end on.
func stream(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil && !errors.Is(err, net.ErrClosed) {
		// The other direction cannot go on either.
		_ = from.Close()
		_ = to.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
