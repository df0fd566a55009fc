import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../support/sourceTree.js';

interface Report {
  readonly diagnostics: readonly {
    readonly code: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
  readonly number_of_files: number;
}

/** oxlint ends with 1 when it found something, so its exit code says nothing here; output that is not JSON does. */
function lint(...args: readonly string[]): Promise<Report> {
  const oxlint = path.join(projectRoot, 'node_modules/oxlint/bin/oxlint');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [oxlint, '-f', 'json', ...args], { cwd: projectRoot }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Report);
      } catch {
        reject(new Error(`oxlint gave no report: ${stdout}${stderr}`, { cause: error }));
      }
    });
  });
}

test('lint finds each of the four planted calls that nobody awaits', async () => {
  const report = await lint('-c', 'test/fixtures/lint/oxlint.json', 'test/fixtures/lint/floating.ts');

  expect(report.number_of_files).toBe(1);
  expect(report.diagnostics.map(({ code, labels }) => `${code} at line ${labels[0]?.span.line}`)).toEqual([
    'typescript(no-floating-promises) at line 19',
    'typescript(no-floating-promises) at line 20',
    'typescript(no-floating-promises) at line 21',
    'typescript(no-floating-promises) at line 22',
  ]);
});

test('the planted file is left out of the lint of the project', async () => {
  const report = await lint('test/fixtures/lint', 'vitest.config.ts');

  expect(report.number_of_files).toBe(1);
});

test('there is one lint configuration: a second one in a subfolder would lower the rules there without a word', () => {
  const layers = ['activities', 'api', 'bench', 'bin', 'db', 'domain', 'platform', 'test', 'web', 'workflows'];
  const names = layers
    .filter((layer) => existsSync(path.join(projectRoot, layer)))
    .flatMap((layer) => readdirSync(path.join(projectRoot, layer), { recursive: true, encoding: 'utf8' }));

  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => /(^|\/)(\.oxlintrc\.json|oxlint\.config\.ts)$/.test(name))).toEqual([]);
});
