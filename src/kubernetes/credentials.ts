import { readFile } from "node:fs/promises";
import type { Clock } from "../index.ts";

/** What a request to the API server proves who it is with. */
export interface Identity {
  /** Undefined: none is sent. */
  readonly token: string | undefined;
  /** Undefined: the authorities that Node knows. */
  readonly ca: string | undefined;
}

/** Where tokens and authorities come from. */
export interface Credentials {
  /** As they are now. Rejects with an error that says which cannot be had. */
  identity(clock: Clock): Promise<Identity>;
  /** The server does not know the token: the next `identity` reads it anew. */
  forget(): void;
}

/** Where Kubernetes puts what a pod proves itself with. */
export const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A token lives for an hour and is replaced at four fifths of that: reading it each minute is early enough. */
const maxAgeMs = 60_000;

/** The files of a pod's service account. Kubernetes replaces them, the authority too, without a word. */
export class ServiceAccountFiles implements Credentials {
  readonly #folder: string;
  #read: { readonly identity: Promise<Identity>; readonly atMs: number } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  identity(clock: Clock): Promise<Identity> {
    const now = clock.now();
    if (this.#read === undefined || now - this.#read.atMs > maxAgeMs) {
      const identity = this.#readFiles();
      this.#read = { identity, atMs: now };
      identity.catch(() => this.forget());
    }
    return this.#read.identity;
  }

  forget(): void {
    this.#read = undefined;
  }

  async #readFiles(): Promise<Identity> {
    const [token, ca] = await Promise.all([this.#file("token"), this.#file("ca.crt")]);
    return { token: token.trim(), ca };
  }

  async #file(name: string): Promise<string> {
    try {
      return await readFile(`${this.#folder}/${name}`, "utf8");
    } catch (cause) {
      throw new Error(
        `cannot read ${this.#folder}/${name}, which a pod has unless automountServiceAccountToken is false: ${cause}`,
        { cause },
      );
    }
  }
}

/** What the user gave. */
export class GivenCredentials implements Credentials {
  readonly #token: string | (() => string | Promise<string>) | undefined;
  readonly #ca: string | undefined;

  constructor(token: string | (() => string | Promise<string>) | undefined, ca: string | undefined) {
    this.#token = token;
    this.#ca = ca;
  }

  async identity(): Promise<Identity> {
    const token = typeof this.#token === "function" ? await this.#token() : this.#token;
    if (token !== undefined && typeof token !== "string") {
      throw new TypeError("the token of kubernetesResolver must be a string, or a function that returns one");
    }
    return { token, ca: this.#ca };
  }

  /** A function is asked for each request anyway. */
  forget(): void {}
}
