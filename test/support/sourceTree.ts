// What the layer rules are judged on: the project's files, and every import in them, read by TypeScript's own parser.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** Path from the root of the project → text. */
export type Files = ReadonlyMap<string, string>;

/** One import, re-export, `import()` or import type. `to` is a path of ours or a package name; `line` is for the reader. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly line: string;
  readonly typeOnly: boolean;
}

export const projectRoot = path.resolve(import.meta.dirname, '../..');

/** Every TypeScript file under the given folders. A folder that does not exist yet has none. */
export function readTree(folders: readonly string[]): Files {
  const files = new Map<string, string>();
  for (const folder of folders.filter((name) => existsSync(path.join(projectRoot, name))))
    for (const entry of readdirSync(path.join(projectRoot, folder), { recursive: true, withFileTypes: true })) {
      const name = path.relative(projectRoot, path.join(entry.parentPath, entry.name)).split(path.sep).join('/');
      const isOurs = entry.isFile() && /\.(tsx?|mjs)$/.test(name) && !/^web\/client\/|node_modules\//.test(name);
      if (isOurs) files.set(name, readFileSync(path.join(projectRoot, name), 'utf8'));
    }
  return files;
}

/** The files that a tsconfig gives to the compiler: a second count of the tree, made by somebody else's code. */
export function filesOfCompiler(config: string): string[] {
  const { config: json } = ts.readConfigFile(path.join(projectRoot, config), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const parsed = ts.parseJsonConfigFileContent(json, ts.sys, projectRoot);
  return parsed.fileNames.map((name) => path.relative(projectRoot, name).split(path.sep).join('/'));
}

export const parse = (file: string, text: string): ts.SourceFile =>
  ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);

/** `file:line: text`, the way compilers print it, so that a terminal makes it a link. */
export function lineOf(at: ts.Node): string {
  const source = at.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(at.getStart());
  return `${source.fileName}:${line + 1}: ${source.text.split('\n')[line]?.trim()}`;
}

/** Calls `visit` for each node of the file, outermost first. */
export function walk(at: ts.Node, visit: (at: ts.Node) => void): void {
  visit(at);
  ts.forEachChild(at, (child) => walk(child, visit));
}

export function edgesOf(source: ts.SourceFile, files: Files): Edge[] {
  const edges: Edge[] = [];
  walk(source, (at) => {
    const found = importAt(at);
    if (found === undefined) return;
    const to = ts.isStringLiteralLike(found.target) ? resolve(source.fileName, found.target.text, files) : '(computed)';
    edges.push({ from: source.fileName, to, line: lineOf(at), typeOnly: found.typeOnly });
  });
  return edges;
}

function importAt(at: ts.Node): { target: ts.Node; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(at)) {
    const typeOnly = at.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return { target: at.moduleSpecifier, typeOnly };
  }
  if (ts.isExportDeclaration(at) && at.moduleSpecifier) return { target: at.moduleSpecifier, typeOnly: at.isTypeOnly };
  if (ts.isImportTypeNode(at) && ts.isLiteralTypeNode(at.argument))
    return { target: at.argument.literal, typeOnly: true };
  if (ts.isCallExpression(at) && at.expression.kind === ts.SyntaxKind.ImportKeyword && at.arguments[0])
    return { target: at.arguments[0], typeOnly: false };
  return undefined;
}

function resolve(from: string, specifier: string, files: Files): string {
  if (!specifier.startsWith('.')) return specifier;
  if (specifier.endsWith('.mjs')) return path.posix.join(path.posix.dirname(from), specifier);
  const target = path.posix.join(path.posix.dirname(from), specifier).replace(/\.jsx?$/, '');
  return [`${target}.tsx`, `${target}.d.ts`].find((name) => files.has(name)) ?? `${target.replace(/\.tsx?$/, '')}.ts`;
}

/** The edges from which the target is reached, in however many steps. */
export function edgesLeadingTo(target: string, edges: readonly Edge[]): Edge[] {
  const reaching = new Set([target]);
  for (let before = 0; before < reaching.size; ) {
    before = reaching.size;
    for (const { from, to } of edges) if (reaching.has(to)) reaching.add(from);
  }
  return edges.filter(({ to }) => reaching.has(to));
}

/** Takes away, again and again, what imports nothing left and what nothing left imports: circles stay. */
export function edgesInCycles(edges: readonly Edge[]): Edge[] {
  let left = [...edges];
  for (let before = Number.POSITIVE_INFINITY; left.length < before; ) {
    before = left.length;
    const importing = new Set(left.map(({ from }) => from));
    const imported = new Set(left.map(({ to }) => to));
    left = left.filter(({ from, to }) => imported.has(from) && importing.has(to));
  }
  return left;
}

/** The member names of the object that each function of this name returns as its last statement. */
export function returnedNames(source: ts.SourceFile, functionName: RegExp): { name: string; line: string }[] {
  const factories = source.statements.filter(ts.isFunctionDeclaration);
  return factories
    .filter(({ name }) => functionName.test(name?.text ?? ''))
    .flatMap((factory) => {
      const last = factory.body?.statements.at(-1);
      const returned = last && ts.isReturnStatement(last) ? last.expression : undefined;
      if (returned === undefined || !ts.isObjectLiteralExpression(returned))
        throw new Error(`${lineOf(factory)}: must end in \`return { … }\`, or its names cannot be read`);
      return returned.properties.map((member) => {
        if (member.name === undefined) throw new Error(`${lineOf(member)}: the names of a spread cannot be read`);
        return { name: member.name.getText(), line: lineOf(member) };
      });
    });
}
