// A grpc-go server that ends its connections when they grow old or idle, and those of clients that send too many PINGs.
// It answers glink.demo.v1.EchoService/Unary with the text of the request, but never "hang", and counts how often it met
// each text. EchoService/ServerStream sends headers, and then nothing. On SIGTERM it prints the counts as JSON and ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var (
	address = flag.String("address", "127.0.0.1:0", "where to listen")
	age     = flag.Duration("age", 0, "MaxConnectionAge; 0: no limit")
	grace   = flag.Duration("grace", 5*time.Second, "MaxConnectionAgeGrace")
	idle    = flag.Duration("idle", 0, "MaxConnectionIdle; 0: no limit")
	minPing = flag.Duration("min-ping", 5*time.Minute, "the least time between PINGs of a client")
	handle  = flag.Duration("handle", 20*time.Millisecond, "how long a call takes")
)

// counts is what the server did. The stats handler sees connections, the service sees calls.
type counts struct {
	mutex       sync.Mutex
	Connections int            `json:"connections"`
	Executions  map[string]int `json:"executions"`
}

func (c *counts) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (c *counts) HandleRPC(context.Context, stats.RPCStats)                         {}
func (c *counts) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (c *counts) HandleConn(_ context.Context, event stats.ConnStats) {
	if _, begun := event.(*stats.ConnBegin); begun {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.Connections++
	}
}

// echo reads and writes StringValue: its only field has the number and type that `text` has in the echo service's messages.
func (c *counts) echo(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	request := new(wrapperspb.StringValue)
	if err := decode(request); err != nil {
		return nil, err
	}
	c.mutex.Lock()
	c.Executions[request.Value]++
	c.mutex.Unlock()
	if request.Value == "hang" {
		// A handler that does not look at its deadline: with one that does, the server would answer.
		time.Sleep(time.Hour)
	}
	time.Sleep(*handle)
	return request, nil
}

func quiet(_ any, stream grpc.ServerStream) error {
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

func main() {
	flag.Parse()
	done := &counts{Executions: map[string]int{}}
	server := grpc.NewServer(
		grpc.StatsHandler(done),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: *age, MaxConnectionAgeGrace: *grace, MaxConnectionIdle: *idle,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: *minPing}),
	)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "glink.demo.v1.EchoService",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Unary", Handler: done.echo}},
		Streams:     []grpc.StreamDesc{{StreamName: "ServerStream", Handler: quiet, ServerStreams: true}},
	}, nil)
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		if err := server.Serve(listener); err != nil {
			log.Fatal(err)
		}
	}()
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	done.mutex.Lock()
	if err := json.NewEncoder(os.Stdout).Encode(done); err != nil {
		log.Fatal(err)
	}
}
