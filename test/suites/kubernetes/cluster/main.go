// Command cluster is the part of Kubernetes that serves EndpointSlices: etcd, the API server, and the controllers that
// write slices from Services and Pods, in one program because they share nearly all of their code.
//
//	cluster etcd|apiserver|controller-manager [flags of that component]
package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	component := ""
	if len(os.Args) > 1 {
		component = os.Args[1]
		os.Args = append(os.Args[:1], os.Args[2:]...)
	}
	switch component {
	case "etcd":
		etcdmain.Main(os.Args)
	case "apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "controller-manager":
		os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
	default:
		fmt.Fprintln(os.Stderr, "usage: cluster etcd|apiserver|controller-manager [flags]")
		os.Exit(2)
	}
}
