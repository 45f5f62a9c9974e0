/**
 * What a call waits for: the first answer of the resolver (`resolve`), a backend that is ready (`connect`), or a ready
 * backend that takes one more call (`streams`).
 */
export type WaitReason = "resolve" | "connect" | "streams";
