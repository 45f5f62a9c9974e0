import type { ClientConfig, ClientReport } from "../messages.ts";

/** One of the clients that are compared. */
export interface DemoClient {
  /** One unary call. Resolves with the backend that answered. */
  call(): Promise<string | undefined>;
  /** What only glink can tell: about its pool and its retries. */
  poolReport(): Pick<ClientReport, "pool" | "retries">;
  close(): Promise<void>;
}

export type OpenClient = (config: ClientConfig) => Promise<DemoClient>;

/** Of a client that tells nothing. */
export const noPoolReport: ReturnType<DemoClient["poolReport"]> = { pool: {}, retries: 0 };
