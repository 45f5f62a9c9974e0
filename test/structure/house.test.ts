import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type typescript from "typescript";
import { extensions } from "../support/subpaths.ts";
import { readSources, root } from "./source-tree.ts";
import { ts } from "./typescript.ts";

const sources = readSources("src");

/** At this length a file has a second idea, and that wants a file of its own. */
const maxLines = 250;

/** More than this is an object that has not been named yet. */
const maxParameters = 4;

/**
 * What runs for each frame or field takes numbers and offsets, and a stream is made for each call: an object around them
 * would be one more each time. Connect says what a Transport's unary and stream take.
 */
const mayTakeMore = (path: string, name: string, isConstructor: boolean) =>
  (/^src\/(http2\/wire\/|protocol\/framing)/.test(path) && !isConstructor) ||
  path === "src/http2/wire/wire-stream.ts" ||
  (path.startsWith("src/transport/") && (name === "unary" || name === "stream"));

/** Made for each call, stream or connection, by thousands: a listener of their own would be one more object for each. */
const listensItself = new Set([
  "Attempt",
  "CallTrace",
  "FrameDispatcher",
  "GuardedListener",
  "HedgedAttempt",
  "InterceptedMessages",
  "LiveConnection",
  "NodeStream",
  "OpenCall",
  "RetryingCall",
  "StreamCall",
  "UnaryCall",
]);

test(`no source file is longer than ${maxLines} lines`, () => {
  const long = sources.filter(({ text }) => text.split("\n").length - 1 > maxLines);
  assert.deepEqual(
    long.map(({ path, text }) => `${path}: ${text.split("\n").length - 1}`),
    [],
  );
});

test(`no function takes more than ${maxParameters} arguments, but for reasons`, () => {
  const wide = declarations(ts.isFunctionLike)
    .filter(({ node }) => node.parameters.length > maxParameters)
    .filter(({ node, path }) => !mayTakeMore(path, node.name?.getText() ?? "", ts.isConstructorDeclaration(node)))
    .map(({ node, path }) => `${path}: ${node.name?.getText() ?? "constructor"} takes ${node.parameters.length}`);
  assert.deepEqual(wide, []);
});

test("whoever is told of something is a listener, whatever else it is", () => {
  const told = /(Owner|Holder|Host|Sink|Source|Maker|Watcher|Observer|Callbacks)$/;
  const misnamed = declarations(ts.isInterfaceDeclaration)
    .filter(({ node }) => told.test(node.name.text))
    // Asked, and not told.
    .filter(({ node }) => node.name.text !== "CallSource")
    .map(({ node, path }) => `${path}: ${node.name.text}`);
  assert.deepEqual(misnamed, []);
});

test("what listeners hear begins with on", () => {
  const unheard = declarations(ts.isInterfaceDeclaration)
    .filter(({ node }) => node.name.text.endsWith("Listener"))
    .flatMap(({ node, path }) =>
      node.members
        .filter((member) => !/^on[A-Z]/.test(member.name?.getText() ?? ""))
        .map((member) => `${path}: ${node.name.text}.${member.name?.getText()}`),
    );
  assert.deepEqual(unheard, []);
});

test("what lives long listens by private objects: its public members are what others may call", () => {
  const listening = declarations(ts.isClassDeclaration)
    .filter(({ node }) => !listensItself.has(node.name?.text ?? ""))
    .filter(({ node }) =>
      node.heritageClauses?.some(({ types }) => types.some(({ expression }) => /Listener$/.test(expression.getText()))),
    )
    .map(({ node, path }) => `${path}: ${node.name?.text}`);
  assert.deepEqual(listening, []);
});

test("extensions import nothing of the core but its public surface", () => {
  const beyond = sources.flatMap(({ path, imports }) => {
    const folder = extensions.find((name) => path.startsWith(`src/${name}/`));
    if (folder === undefined) return [];
    return imports
      .filter(({ from }) => from.startsWith("src/") && from !== "src/index.ts" && !from.startsWith(`src/${folder}/`))
      .map(({ from }) => `${path} imports ${from}`);
  });
  assert.deepEqual(beyond, []);
});

test("the core imports no extension", () => {
  const upwards = sources
    .filter(({ path }) => !extensions.some((name) => path.startsWith(`src/${name}/`)))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ from }) => extensions.some((name) => from.startsWith(`src/${name}/`)))
        .map(({ from }) => `${path} imports ${from}`),
    );
  assert.deepEqual(upwards, []);
});

test("unit tests mirror the folders of the sources, and those of bench beside them", () => {
  const folders = readdirSync(join(root, "test/unit"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, "test/unit").length + 1));
  assert.ok(folders.length > 0);
  assert.deepEqual(
    folders.filter((folder) => !existsSync(join(root, folder.startsWith("bench") ? "." : "src", folder))),
    [],
  );
});

function declarations<N extends typescript.Node>(
  is: (node: typescript.Node) => node is N,
): { readonly node: N; readonly path: string }[] {
  return sources.flatMap(({ path, tree }) => {
    const found: { readonly node: N; readonly path: string }[] = [];
    const visit = (node: typescript.Node): void => {
      if (is(node)) found.push({ node, path });
      ts.forEachChild(node, visit);
    };
    visit(tree);
    return found;
  });
}
