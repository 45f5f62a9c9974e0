import assert from "node:assert/strict";
import { test } from "node:test";
import { packageLines } from "../../../src/testing/package-lines.ts";

/** A path of the package, as stacks show that of a module. */
type Shown = (path: string) => string;

const folders: Readonly<Record<string, Shown>> = {
  "an ES module": (path) => `file:///home/me/shop/node_modules/glink/${path}`,
  "an ES module on Windows": (path) => `file:///C:/Users/me/shop/node_modules/glink/${path}`,
  "a CommonJS module": (path) => `/home/me/shop/node_modules/glink/${path}`,
  "a CommonJS module on Windows": (path) => `C:\\Users\\me\\shop\\node_modules\\glink\\${path.replaceAll("/", "\\")}`,
  "a folder with blanks and brackets": (path) => `/home/me/shop (old) one/node_modules/glink/${path}`,
  "the folder of a package of the same name": (path) => `/work/dist/cjs/glink/${path}`,
};

for (const [name, shown] of Object.entries(folders)) {
  for (const build of ["dist/esm", "dist/cjs", "src"]) {
    test(`lines of the core are told from others: ${name}, ${build}`, () => {
      const isLineOfGlink = packageLines(
        `Error\n    at ${shown(`${build}/testing/index.js`)}:7:15\n    at node:internal/modules:1:1`,
      );
      const inFunction = packageLines(`Error\n    at Object.<anonymous> (${shown(`${build}/testing/quiet.js`)}:7:15)`);
      for (const tells of [isLineOfGlink, inFunction]) {
        assert.equal(tells(`at Socket.dial (${shown(`${build}/http2/dial/dial.js`)}:1:2)`), true);
        assert.equal(tells(`at ${shown(`${build}/index.js`)}:1:2`), true);
        assert.equal(tells(`at startBackends (${shown(`${build}/testing/index.js`)}:1:2)`), false);
        assert.equal(tells(`at Test.<anonymous> (${shown("../shop/shop.test.js")}:1:2)`), false);
        assert.equal(tells("at node:net:1:2"), false);
      }
    });
  }
}

test("a stack that does not tell where the package is would have it find nothing: that is an error", () => {
  assert.throws(() => packageLines("Error\n    at <anonymous>"), /^Error: glink\/testing cannot tell where it is/);
});
