import { type Slice, type SliceJson, SliceReader } from "./slice.ts";

/** The slices of one Service by their name: each event replaces one of them, and a list all. */
export class SliceStore {
  readonly #reader = new SliceReader();
  readonly #slices = new Map<string, Slice>();

  get all(): readonly Slice[] {
    return [...this.#slices.values()];
  }

  put(json: SliceJson): void {
    const slice = this.#reader.read(json);
    this.#slices.set(slice.name, slice);
  }

  delete({ metadata }: SliceJson): void {
    this.#slices.delete(metadata?.name ?? "");
  }

  /** Takes in a whole list, and returns the version that it is of. */
  replace(text: string): string {
    let list: { metadata?: { resourceVersion?: string }; items?: readonly SliceJson[] | null };
    try {
      list = JSON.parse(text);
    } catch (cause) {
      throw new Error("the API server answered with something that is no list of EndpointSlices", { cause });
    }
    const version = list?.metadata?.resourceVersion;
    if (version === undefined) throw new Error("the API server answered with a list that has no resourceVersion");
    this.#slices.clear();
    for (const item of list.items ?? []) this.put(item);
    return version;
  }
}
