/** Where grpc-go's ring_hash sends calls. */
export interface RecordedRing {
  readonly name: string;
  readonly addresses: readonly string[];
  /** gRFC A76's, in the order of the addresses. */
  readonly hashKeys: readonly string[] | undefined;
  /** Entries of the ring. */
  readonly min: number;
  readonly max: number;
  /** The address that a call with each key came to. */
  readonly cameTo: Readonly<Record<string, string>>;
}
