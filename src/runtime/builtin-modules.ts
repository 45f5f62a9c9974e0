import { createRequire } from "node:module";

/** Modules of Node's that many processes never need, and that take milliseconds to load. */
interface BuiltinModules {
  readonly "node:fs": typeof import("node:fs");
  readonly "node:net": typeof import("node:net");
  readonly "node:path": typeof import("node:path");
  readonly "node:dns/promises": typeof import("node:dns/promises");
  readonly "node:http2": typeof import("node:http2");
  readonly "node:tls": typeof import("node:tls");
  readonly "node:zlib": typeof import("node:zlib");
}

/**
 * `require` for Node's own modules, in ES modules and CommonJS alike. Which file it is made for does not matter, because
 * no path is looked up. (`process.getBuiltinModule` is younger than Node 20, and knows nothing of a test runner's mocks;
 * `import()` would make every user of a module wait for it.)
 */
const requireBuiltin = createRequire(process.execPath);

/** A module of Node's, loaded at its first use rather than with this package. */
export function builtinModule<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] {
  return requireBuiltin(name) as BuiltinModules[Name];
}
