// Makes the calls that standard input asks for, through grpc-go, and prints what each came to.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// job is one service config, and the calls to make with it, one after the other.
type job struct {
	ID     string `json:"id"`
	Config string `json:"config"`
	Calls  []call `json:"calls"`
}

type call struct {
	Key       string `json:"key"`
	Method    string `json:"method"`
	TimeoutMs int    `json:"timeoutMs"`
}

// outcome has the status code of each call, or says why there is no channel with the config.
type outcome struct {
	Refused string `json:"refused,omitempty"`
	Codes   []int  `json:"codes"`
}

func run(target string, j job) outcome {
	conn, err := grpc.NewClient("passthrough:///"+target,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(j.Config))
	if err != nil {
		return outcome{Refused: err.Error(), Codes: []int{}}
	}
	defer conn.Close()
	codes := []int{}
	for _, c := range j.Calls {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.TimeoutMs)*time.Millisecond)
		ctx = metadata.AppendToOutgoingContext(ctx, "x-call", c.Key)
		err := conn.Invoke(ctx, c.Method, wrapperspb.String("x"), new(wrapperspb.StringValue))
		codes = append(codes, int(status.Code(err)))
		cancel()
	}
	return outcome{Codes: codes}
}

func main() {
	var input struct {
		Target string `json:"target"`
		Jobs   []job  `json:"jobs"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		log.Fatal(err)
	}
	outcomes := map[string]outcome{}
	for _, j := range input.Jobs {
		outcomes[j.ID] = run(input.Target, j)
	}
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		log.Fatal(err)
	}
}
