// node check.js FILE…: holds manifests to the schemas of Kubernetes' API, and to its types, which find fields that do not exist.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { parseAllDocuments } from "yaml";

/** The manifests of all files, with what is wrong with each. */
const manifests = process.argv.slice(2).flatMap((file) =>
  parseAllDocuments(readFileSync(file, "utf8")).map((document) => ({
    file,
    manifest: document.toJS() ?? {},
    problems: document.errors.map(({ message }) => message),
  })),
);

const moduleOf = ({ apiVersion }) => `kubernetes-models/${apiVersion}`;

for (const { manifest, problems } of manifests) {
  const models = await import(moduleOf(manifest)).catch(() => ({}));
  const Model = models[manifest.kind];
  if (Model === undefined) {
    problems.push(`Kubernetes has no ${manifest.apiVersion} ${manifest.kind}`);
    continue;
  }
  try {
    new Model(manifest).validate();
  } catch (error) {
    problems.push(error.message);
  }
}

// The compiler finds what the schemas let pass: a field that is misspelt is one that the type of a literal does not have.
const folder = mkdtempSync(join(import.meta.dirname, "node_modules/.check-"));
try {
  const valid = new Map();
  for (const [index, one] of manifests.entries()) {
    if (one.problems.length > 0) continue;
    const path = join(folder, `${index}.ts`);
    const type = `I${one.manifest.kind}`;
    writeFileSync(
      path,
      `import type { ${type} } from "${moduleOf(one.manifest)}";
       export const manifest: ${type} = ${JSON.stringify(one.manifest, null, 2)};`,
    );
    valid.set(path, one);
  }
  const options = { module: ts.ModuleKind.NodeNext, strict: true, noEmit: true, skipLibCheck: true, types: [] };
  const program = ts.createProgram([...valid.keys()], options);
  for (const [path, { problems }] of valid) {
    for (const { messageText } of program.getSemanticDiagnostics(program.getSourceFile(path))) {
      problems.push(ts.flattenDiagnosticMessageText(messageText, "\n").split("\n").at(-1).trim());
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

for (const { file, manifest, problems } of manifests) {
  const verdict = problems.length === 0 ? "valid" : problems.join("; ");
  console.log(`${file}: ${manifest.kind} ${manifest.metadata?.name}: ${verdict}`);
}
const failed = manifests.filter(({ problems }) => problems.length > 0).length;
process.exitCode = failed === 0 && manifests.length > 0 ? 0 : 1;
