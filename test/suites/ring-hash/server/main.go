// Where grpc-go's ring_hash sends calls: one server for each address that is given, and one client with
// the policy. Writes, as JSON, the address that each key's call came to, and serves on until stdin ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/ringhash"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/resolver/ringhash"
)

func main() {
	addresses := flag.String("addresses", "", "host:port, separated by commas")
	hashKeys := flag.String("hash-keys", "", "of the addresses, in their order; none: their addresses")
	keys := flag.Int("keys", 1000, "how many keys: user-0 and so on")
	minRingSize := flag.Int("min", 1024, "")
	maxRingSize := flag.Int("max", 4096, "")
	flag.Parse()

	var state resolver.State
	for i, address := range strings.Split(*addresses, ",") {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		server := grpc.NewServer()
		healthpb.RegisterHealthServer(server, health.NewServer())
		go server.Serve(listener)
		endpoint := resolver.Endpoint{Addresses: []resolver.Address{{Addr: address}}}
		if *hashKeys != "" {
			endpoint = ringhash.SetHashKey(endpoint, strings.Split(*hashKeys, ",")[i])
		}
		state.Endpoints = append(state.Endpoints, endpoint)
	}

	names := manual.NewBuilderWithScheme("ring")
	names.InitialState(state)
	config := fmt.Sprintf(
		`{"loadBalancingConfig":[{"ring_hash_experimental":{"minRingSize":%d,"maxRingSize":%d,"requestHashHeader":"x-key"}}]}`,
		*minRingSize, *maxRingSize,
	)
	client, err := grpc.NewClient(
		"ring:///backends",
		grpc.WithResolvers(names),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(config),
	)
	if err != nil {
		log.Fatal(err)
	}
	calls := healthpb.NewHealthClient(client)
	cameTo := map[string]string{}
	for i := 0; i < *keys; i++ {
		key := fmt.Sprintf("user-%d", i)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		ctx = metadata.AppendToOutgoingContext(ctx, "x-key", key)
		var from peer.Peer
		if _, err := calls.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.Peer(&from)); err != nil {
			log.Fatal(err)
		}
		cancel()
		cameTo[key] = from.Addr.String()
	}
	json.NewEncoder(os.Stdout).Encode(cameTo)
	io.Copy(io.Discard, os.Stdin)
}
