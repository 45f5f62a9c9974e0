// The clients of the benchmark in Go: grpc-go and connect-go. Speaks as bench/client/worker.ts does: a Task as its argument, a Command on each
// line of its input, a Measurement on each line of its output.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	var task Task
	if err := json.Unmarshal([]byte(os.Args[1]), &task); err != nil {
		return err
	}
	run, err := open(task)
	if err != nil {
		return err
	}
	if err := run(); err != nil {
		return err
	}
	say(struct{}{})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var command Command
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			return err
		}
		answer, err := obey(run, task, command)
		if err != nil {
			return err
		}
		say(answer)
	}
	return lines.Err()
}

func obey(run func() error, task Task, command Command) (any, error) {
	if command.PerSecond > 0 {
		return openLoop(run, command)
	}
	return measure(run, task.Load.Concurrency, command)
}

// open connects, and returns one operation of the load.
func open(task Task) (func() error, error) {
	if task.Peer == "connect-go" {
		return connectOperation(task)
	}
	conn, err := dial(task)
	if err != nil {
		return nil, err
	}
	return operation(conn, task.Load), nil
}

// dial balances over every backend with round_robin.
func dial(task Task) (*grpc.ClientConn, error) {
	addresses := make([]resolver.Address, len(task.Backends))
	for i, backend := range task.Backends {
		addresses[i] = resolver.Address{Addr: backend}
	}
	backends := manual.NewBuilderWithScheme("bench")
	backends.InitialState(resolver.State{Addresses: addresses})
	security := insecure.NewCredentials()
	if task.Certificate != "" {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(task.Certificate))
		security = credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: "localhost"})
	}
	options := []grpc.DialOption{
		grpc.WithResolvers(backends),
		grpc.WithTransportCredentials(security),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithAuthority("localhost"),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	}
	if task.Load.Gzip {
		options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	}
	if interceptor, ok := interceptors[task.Load.Interceptor]; ok {
		options = append(options, grpc.WithUnaryInterceptor(interceptor))
	}
	return grpc.NewClient("bench:///backends", options...)
}

var interceptors = map[string]grpc.UnaryClientInterceptor{"passes-on": passThrough, "sets-header": setHeader}

func passThrough(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return invoke(ctx, method, request, reply, conn, options...)
}

func setHeader(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return invoke(metadata.AppendToOutgoingContext(ctx, "x-bench-intercepted", "yes"), method, request, reply, conn, options...)
}

func say(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
