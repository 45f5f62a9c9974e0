// Servers that report a fixed load through grpc-go's ORCA: one for each address, whose utilization grows with its place.
// They serve until stdin ends.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/orca"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Any method but those of ORCA: one message in, one out, both of them taken for empty.
func answer(_ any, stream grpc.ServerStream) error {
	if method, _ := grpc.MethodFromServerStream(stream); strings.HasPrefix(method, "/xds.") {
		return status.Error(codes.Unimplemented, "unknown service")
	}
	// A call whose handler asks for no recorder reports nothing.
	orca.CallMetricsRecorderFromContext(stream.Context())
	if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
		return err
	}
	return stream.SendMsg(&emptypb.Empty{})
}

func main() {
	addresses := flag.String("addresses", "", "host:port, separated by commas")
	utilizations := flag.String("utilizations", "", "of the addresses, in their order, separated by commas")
	perCall := flag.Bool("per-call", false, "report with each call, in its trailer")
	outOfBand := flag.Bool("out-of-band", false, "have the service OpenRcaService")
	flag.Parse()

	for i, address := range strings.Split(*addresses, ",") {
		utilization, err := strconv.ParseFloat(strings.Split(*utilizations, ",")[i], 64)
		if err != nil {
			log.Fatal(err)
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		recorder := orca.NewServerMetricsRecorder()
		recorder.SetApplicationUtilization(utilization)
		recorder.SetQPS(100)
		options := []grpc.ServerOption{grpc.UnknownServiceHandler(answer)}
		if *perCall {
			options = append(options, orca.CallMetricsServerOption(recorder))
		}
		server := grpc.NewServer(options...)
		if *outOfBand {
			if err := orca.Register(server, orca.ServiceOptions{ServerMetricsProvider: recorder}); err != nil {
				log.Fatal(err)
			}
		}
		go server.Serve(listener)
	}
	fmt.Println("listening")
	io.Copy(io.Discard, os.Stdin)
}
