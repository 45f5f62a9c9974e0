import assert from "node:assert/strict";
import { join } from "node:path";
import type typescript from "typescript";
import { root } from "./source-tree.ts";
import { ts } from "./typescript.ts";

/** Each option is said three times, to three kinds of reader: in its check, in its docstring, in the table of docs/options.md. */
export interface DocumentedOption {
  readonly name: string;
  readonly docstring: string;
  readonly isDeprecated: boolean;
  readonly isNumber: boolean;
}

/** The options of glinkTransport, those of the interfaces that they are made of included. */
export function documentedOptions(): DocumentedOption[] {
  const path = join(root, "src/transport/transport-options.ts");
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram([path], options);
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const declaration = file?.statements.find(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === "GlinkTransportOptions",
  ) as typescript.InterfaceDeclaration;
  return checker.getPropertiesOfType(checker.getTypeAtLocation(declaration)).map((symbol) => {
    const own = symbol.declarations?.filter(({ parent }) => parent.getSourceFile().fileName.includes("/src/")) ?? [];
    const type = checker.getNonNullableType(checker.getTypeOfSymbol(symbol));
    return {
      name: symbol.name,
      docstring: own.length === 0 ? "" : ts.displayPartsToString(symbol.getDocumentationComment(checker)),
      isDeprecated: symbol.getJsDocTags().some(({ name }) => name === "deprecated"),
      isNumber: (type.flags & ts.TypeFlags.Number) !== 0,
    };
  });
}

function numberOf(text: string): number {
  return Number(text.replaceAll(" ", ""));
}

/** The range that a docstring tells: `from 1 000`, `from 0 to 10`, `Infinity` beside it. */
export function rangeOf(docstring: string) {
  const [, min = "", max] = /\b[Ff]rom (\d[\d ]*\d|\d)(?: to (\d[\d ]*\d|\d))?/.exec(docstring) ?? [];
  assert.notEqual(min, "", "it says no range");
  return {
    min: numberOf(min),
    max: max === undefined ? undefined : numberOf(max),
    infinity: docstring.includes("`Infinity`"),
  };
}
