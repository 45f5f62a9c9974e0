/**
 * What is loaded at its first use, by `import()`: a module that many processes never need, or need only while they wait for
 * the network anyhow. Which modules those are is written in test/structure/imports.test.ts.
 */
export class Late<T> {
  readonly #load: () => Promise<T>;
  #loaded: Promise<T> | undefined;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Loads it, if that has not begun. After a failure, which may have been a file that could not be opened, it is tried anew. */
  get(): Promise<T> {
    if (this.#loaded === undefined) {
      const loaded = this.#load();
      this.#loaded = loaded;
      loaded.catch(() => {
        if (this.#loaded === loaded) this.#loaded = undefined;
      });
    }
    return this.#loaded;
  }
}
