/**
 * What is loaded at its first use, by `import()`: a module that many processes never need, or need only while they wait for
 * the network anyhow. Which modules those are is written in test/structure/imports.test.ts.
 */
export class Late<T> {
  readonly #load: () => Promise<T>;
  #loading: Promise<T> | undefined;
  #loaded: T | undefined;

  /** `loaded`: what was loaded already, where somebody else saw to that. */
  constructor(load: () => Promise<T>, loaded?: T) {
    this.#load = load;
    this.#loaded = loaded;
  }

  /** Undefined until it is loaded. */
  get loaded(): T | undefined {
    return this.#loaded;
  }

  /** Loads it, if that has not begun. After a failure, which may have been a file that could not be opened, it is tried anew. */
  get(): Promise<T> {
    if (this.#loading === undefined) {
      const loading = this.#load();
      this.#loading = loading;
      loading.then(
        (loaded) => {
          this.#loaded = loaded;
        },
        () => {
          if (this.#loading === loading) this.#loading = undefined;
        },
      );
    }
    return this.#loading;
  }
}
