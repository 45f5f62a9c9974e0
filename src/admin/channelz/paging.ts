import { Code, ConnectError } from "@connectrpc/connect";

/** What a page is asked for, as all `Get…` of channelz that give lists have it. */
export interface PageRequest {
  /** The least id of the page; 0 for the first one. */
  readonly startId: bigint;
  /** 0: as many as the server likes. */
  readonly maxResults: bigint;
}

export interface PageResult<T> {
  readonly items: readonly T[];
  /** There is nothing after it. */
  readonly end: boolean;
}

/** As grpc-js. */
const defaultMaxResults = 100;

/** The items from `startId` on, in the order of their ids. */
export function pageOf<T extends { readonly id: number }>(all: readonly T[], request: PageRequest): PageResult<T> {
  const { startId, maxResults } = request;
  if (maxResults < 0n) throw new ConnectError(`max_results must be 0 or more, not ${maxResults}`, Code.InvalidArgument);
  const size = maxResults === 0n ? defaultMaxResults : Number(maxResults);
  const from = all.filter(({ id }) => BigInt(id) >= startId).sort((a, b) => a.id - b.id);
  return { items: from.slice(0, size), end: from.length <= size };
}
