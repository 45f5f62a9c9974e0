/**
 * Notices that nobody holds an object any more. Whatever is to be freed then must not lead to the object, and must keep
 * this watch: a FinalizationRegistry that is collected itself calls nobody.
 */
export class HolderWatch {
  readonly #registry = new FinalizationRegistry<() => void>((letGo) => letGo());

  /** Calls `letGo` some time after `holder` was collected, unless `stop` was called before. `letGo` must not lead to it. */
  watch(holder: object, letGo: () => void): void {
    this.#registry.register(holder, letGo, this);
  }

  stop(): void {
    this.#registry.unregister(this);
  }
}
