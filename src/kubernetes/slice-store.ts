import { type Slice, type SliceJson, SliceReader } from "./slice.ts";

/** What a slice says it belongs to. */
const serviceLabel = "kubernetes.io/service-name";

/** The slices of one Service by their name: each event replaces one of them, and a list all. */
export class SliceStore {
  readonly #service: string;
  readonly #reader = new SliceReader();
  #slices = new Map<string, Slice>();

  constructor(service: string) {
    this.#service = service;
  }

  get all(): readonly Slice[] {
    return [...this.#slices.values()];
  }

  /** False: it is what it was. */
  put(json: SliceJson): boolean {
    if (!this.#isOurs(json)) return false;
    const known = this.#known(json);
    const slice = this.#reader.read(json, known);
    this.#slices.set(slice.name, slice);
    return slice !== known;
  }

  /** False: it is not known. */
  delete({ metadata }: SliceJson): boolean {
    return this.#slices.delete(metadata?.name ?? "");
  }

  /** Takes in a whole list, and returns the version that it is of. What cannot be read changes nothing. */
  replace(text: string): string {
    let list: { metadata?: { resourceVersion?: string }; items?: readonly SliceJson[] | null };
    try {
      list = JSON.parse(text);
    } catch (cause) {
      throw new Error("the API server answered with something that is no list of EndpointSlices", { cause });
    }
    const version = list?.metadata?.resourceVersion;
    if (version === undefined) throw new Error("the API server answered with a list that has no resourceVersion");
    const ours = (list.items ?? []).filter((json) => this.#isOurs(json));
    const slices = ours.map((json) => this.#reader.read(json, this.#known(json)));
    this.#slices = new Map(slices.map((slice) => [slice.name, slice]));
    return version;
  }

  /** Whatever stands between may not pass the label selector on. */
  #isOurs({ metadata }: SliceJson): boolean {
    return (metadata?.labels?.[serviceLabel] ?? this.#service) === this.#service;
  }

  #known({ metadata }: SliceJson): Slice | undefined {
    return this.#slices.get(metadata?.name ?? "");
  }
}
