import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type typescript from "typescript";
import { ts } from "./typescript.ts";

/** The repository's root. */
export const root = resolve(import.meta.dirname, "../..");

/** One import declaration, or a re-export. */
export interface Import {
  /** Path from the root, or the name of a package or of a module of Node's, one that is loaded late included. */
  readonly from: string;
  /** Names taken; `*` for a namespace and for `import()`. */
  readonly names: readonly string[];
  /** `type`: nothing of it is there at run time. `late`: by `import()`. */
  readonly how: "value" | "type" | "late";
}

/** One source file, as far as structure goes. */
export interface SourceFile {
  /** Path from the root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: typescript.SourceFile;
  readonly imports: readonly Import[];
  /** Names the file declares with `export`. */
  readonly exports: readonly Export[];
}

export interface Export {
  readonly name: string;
  /** Interfaces and type aliases: part of the signatures beside them, even where nobody names them. */
  readonly isType: boolean;
}

/** Reads the TypeScript files below these folders of the root. */
export function readSources(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
      .map((name) => readSource(join(folder, name).replaceAll("\\", "/"))),
  );
}

const read = new Map<string, SourceFile>();

function readSource(path: string): SourceFile {
  const source = read.get(path) ?? parseSource(path);
  read.set(path, source);
  return source;
}

function parseSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const exports: Export[] = [];
  for (const statement of tree.statements) {
    if (ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier)) {
      const bindings = statement.importClause?.namedBindings;
      const names = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements.map(originalName) : ["*"];
      imports.push({
        from: target(path, statement.moduleSpecifier.text),
        names,
        how: isOfTypes(statement) ? "type" : "value",
      });
    } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      const clause = statement.exportClause;
      const names = clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(originalName) : [];
      imports.push({
        from: target(path, (statement.moduleSpecifier as typescript.StringLiteral).text),
        names,
        how: isOfTypes(statement) ? "type" : "value",
      });
    } else if (isExported(statement)) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      exports.push(...declaredNames(statement).map((name) => ({ name, isType })));
    }
  }
  for (const [, specifier = ""] of text.matchAll(/\bimport\("(\.[^"]+)"\)/g)) {
    imports.push({ from: target(path, specifier), names: ["*"], how: "late" });
  }
  for (const [, name = ""] of text.matchAll(/\bbuiltinModule\("(node:[^"]+)"\)/g)) {
    imports.push({ from: name, names: ["*"], how: "late" });
  }
  return { path, text, tree, imports, exports };
}

function isOfTypes(statement: typescript.ImportDeclaration | typescript.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) {
    const { isTypeOnly, exportClause } = statement;
    return (
      isTypeOnly || (exportClause !== undefined && ts.isNamedExports(exportClause) && areTypes(exportClause.elements))
    );
  }
  const { importClause } = statement;
  if (importClause === undefined || importClause.name !== undefined) return false;
  const { namedBindings } = importClause;
  return (
    importClause.isTypeOnly ||
    (namedBindings !== undefined && ts.isNamedImports(namedBindings) && areTypes(namedBindings.elements))
  );
}

function areTypes(elements: readonly { readonly isTypeOnly: boolean }[]): boolean {
  return elements.every(({ isTypeOnly }) => isTypeOnly);
}

function originalName(element: typescript.ImportSpecifier | typescript.ExportSpecifier): string {
  return (element.propertyName ?? element.name).text;
}

function isExported(statement: typescript.Statement): boolean {
  return ts.canHaveModifiers(statement)
    ? (ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false)
    : false;
}

function declaredNames(statement: typescript.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  }
  const { name } = statement as typescript.Statement & { name?: typescript.Node };
  return name !== undefined && ts.isIdentifier(name) ? [name.text] : [];
}

function target(importer: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return relative(root, resolve(root, dirname(importer), specifier)).replaceAll("\\", "/");
}
