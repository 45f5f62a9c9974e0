import { readStatus } from "./api-error.ts";
import type { ApiResponse, ApiServer } from "./api-server.ts";

/** Whose slices are watched. */
export interface WatchedService {
  readonly namespace: string;
  readonly service: string;
  /** The first list may wait for so long, by chance, unless calls fail. */
  readonly startSpreadMs: number;
}

/** A watch is answered before there is anything to tell. */
const watchHeadersMs = 10_000;

/** The requests for the slices of one Service. One whose token is refused is made once more, with a fresh one. */
export class SliceRequests {
  readonly #api: ApiServer;
  readonly #path: string;

  constructor(api: ApiServer, { namespace, service }: Omit<WatchedService, "startSpreadMs">) {
    this.#api = api;
    this.#path =
      `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices` +
      `?labelSelector=kubernetes.io%2Fservice-name%3D${service}`;
  }

  /** `version`: of a list at least as new; "0": of any that the server has at hand; "": of the newest. */
  list(version: string, headersMs: number, signal: AbortSignal): Promise<ApiResponse> {
    return this.#get(version === "" ? "" : `&resourceVersion=${version}`, headersMs, signal);
  }

  /** What happened since a version, and what happens from then on. */
  watch(version: string, seconds: number, signal: AbortSignal): Promise<ApiResponse> {
    return this.#watch(`resourceVersion=${version}`, seconds, signal);
  }

  /** What happens from now on, whatever there is already. Servers before Kubernetes 1.32 may refuse that. */
  watchFromNow(seconds: number, signal: AbortSignal): Promise<ApiResponse> {
    const query = "resourceVersion=0&resourceVersionMatch=NotOlderThan&sendInitialEvents=false";
    return this.#watch(query, seconds, signal);
  }

  #watch(query: string, seconds: number, signal: AbortSignal): Promise<ApiResponse> {
    const path = `&watch=1&${query}&allowWatchBookmarks=true&timeoutSeconds=${seconds}`;
    return this.#get(path, watchHeadersMs, signal);
  }

  async #get(query: string, headersMs: number, signal: AbortSignal): Promise<ApiResponse> {
    const response = await this.#api.get(this.#path + query, headersMs, signal);
    if (response.status !== 401) return response;
    await readStatus(response);
    this.#api.forgetToken();
    return this.#api.get(this.#path + query, headersMs, signal);
  }
}
