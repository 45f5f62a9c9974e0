import { type Slice, type SliceJson, SliceReader } from "./slice.ts";

/** What a slice says it belongs to. */
const serviceLabel = "kubernetes.io/service-name";

/** The slices of one Service by their name: each event replaces one of them, and a list all. */
export class SliceStore {
  readonly #service: string;
  readonly #reader = new SliceReader();
  readonly #slices = new Map<string, Slice>();

  constructor(service: string) {
    this.#service = service;
  }

  get all(): readonly Slice[] {
    return [...this.#slices.values()];
  }

  /** `before`: the slices that may hold the same one as it was. False: it is what it was. */
  put(json: SliceJson, before: ReadonlyMap<string, Slice> = this.#slices): boolean {
    const { name = "", labels } = json.metadata ?? {};
    // Whatever stands between may not pass the label selector on.
    if ((labels?.[serviceLabel] ?? this.#service) !== this.#service) return false;
    const known = before.get(name);
    const slice = this.#reader.read(json, known);
    this.#slices.set(name, slice);
    return slice !== known;
  }

  /** False: it is not known. */
  delete({ metadata }: SliceJson): boolean {
    return this.#slices.delete(metadata?.name ?? "");
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
    const before = new Map(this.#slices);
    this.#slices.clear();
    for (const item of list.items ?? []) this.put(item, before);
    return version;
  }
}
