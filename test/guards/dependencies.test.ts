// The facts of dependencies.md 1 and 2 that would otherwise be lost with one careless install.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../support/sourceTree.js';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
type Lock = {
  readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly integrity?: string }>>;
};

const readJson = (file: string): unknown => JSON.parse(readFileSync(path.join(projectRoot, file), 'utf8'));
const manifest = readJson('package.json') as Manifest;
const locked = Object.entries((readJson('package-lock.json') as Lock).packages).filter(([place]) => place !== '');

/** Every package of the lock file that is on this disk; binaries for other systems are in the lock only. */
const installed = locked
  .map(([place]) => place)
  .filter((place) => existsSync(path.join(projectRoot, place, 'package.json')))
  .map((place) => ({ place, name: nameAt(place), ...(readJson(`${place}/package.json`) as Omit<Manifest, 'name'>) }));

function nameAt(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
const copiesOf = (name: string) => installed.filter((one) => one.name === name);

describe('what is installed', () => {
  test('is what the lock file says, and not a handful of it', () => {
    expect(installed.length).toBeGreaterThan(200);
  });

  test('has one protobufjs 8, or the replay of saved histories throws; a 7 stands below its loader only', () => {
    const versions = copiesOf('protobufjs').map(({ place, version }) => ({ place, major: version?.split('.')[0] }));

    expect(versions.filter(({ major }) => major === '8')).toHaveLength(1);
    expect(versions.filter(({ major, place }) => major !== '8' && !place.startsWith('node_modules/@grpc/'))).toEqual(
      [],
    );
  });

  test('has one copy of each Temporal package, all of one version: instanceof breaks with two', () => {
    const temporal = installed.filter(({ name }) => name.startsWith('@temporalio/'));

    expect(temporal.length).toBeGreaterThanOrEqual(8);
    expect(temporal.map(({ place }) => place)).toEqual(temporal.map(({ name }) => `node_modules/${name}`));
    expect(new Set(temporal.map(({ version }) => version))).toEqual(new Set(['1.24.0']));
  });

  test('has one TypeScript, and it is 6.0: 7 has no compiler API, and a checker without one passes everything', () => {
    const tsc = path.join(projectRoot, 'node_modules/typescript/bin/tsc');

    expect(copiesOf('typescript')).toHaveLength(1);
    expect(execFileSync(process.execPath, [tsc, '--version'], { encoding: 'utf8' })).toMatch(/^Version 6\.0\./);
  });
});

describe('licences', () => {
  const everywhere = [
    'MIT',
    'MIT-0',
    'ISC',
    'BSD-2-Clause',
    'BSD-3-Clause',
    '0BSD',
    'BlueOak-1.0.0',
    'Apache-2.0',
    'Unlicense',
    'Zlib',
    'CC0-1.0',
  ];
  /** Build and test tools of which nothing is in what we hand out. */
  const inTools: Readonly<Record<string, RegExp>> = {
    'MPL-2.0': /^(axe-core|lightningcss(-.+)?)$/,
    'CC-BY-4.0': /^caniuse-lite$/,
    'Python-2.0': /^argparse$/,
  };
  /** No usable field; read by hand: png-js, spawndamnit, busboy and streamsearch are MIT (the last two in an array of old), unionfs is the Unlicense. */
  const withoutField = ['png-js', 'unionfs', 'spawndamnit', 'busboy', 'streamsearch'];

  function isAllowed(name: string, expression: string): boolean {
    const one = (id: string) => everywhere.includes(id) || inTools[id]?.test(name) === true;
    return expression
      .replace(/[()]/g, '')
      .split(' OR ')
      .some((choice) => choice.split(' AND ').every(one));
  }

  test.each([
    { name: 'a', expression: 'MIT', allowed: true },
    { name: 'a', expression: '(GPL-3.0 OR MIT)', allowed: true },
    { name: 'a', expression: 'Apache-2.0 AND MIT', allowed: true },
    { name: 'a', expression: 'MIT AND GPL-3.0', allowed: false },
    { name: 'a', expression: 'AGPL-3.0', allowed: false },
    { name: 'a', expression: 'MPL-2.0', allowed: false },
    { name: 'lightningcss-linux-x64-gnu', expression: 'MPL-2.0', allowed: true },
  ])('$expression of $name is allowed: $allowed', ({ name, expression, allowed }) => {
    expect(isAllowed(name, expression)).toBe(allowed);
  });

  test('every installed package has one of ours', () => {
    const refused = installed.filter(
      ({ name, license }) => !(license ? isAllowed(name, license) : withoutField.includes(name)),
    );

    expect(refused.map(({ place, license }) => `${place}: ${license ?? 'no licence field'}`)).toEqual([]);
  });
});

describe('package.json, the lock file and .npmrc', () => {
  test('every version is exact: a range lets the next fresh install mix releases', () => {
    const { dependencies, devDependencies, optionalDependencies, overrides } = manifest;
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides });

    expect(versions.length).toBeGreaterThan(20);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test('the lock file names no place to download from, and has a hash for every package', () => {
    expect(locked.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    expect(locked.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
  });

  test('install scripts are off, engines are strict, versions are saved exactly, the lock file stays portable', () => {
    const lines = readFileSync(path.join(projectRoot, '.npmrc'), 'utf8').trim().split('\n').sort();

    expect(lines).toEqual([
      'engine-strict=true',
      'ignore-scripts=true',
      'omit-lockfile-registry-resolved=true',
      'save-exact=true',
    ]);
  });

  test('no script relies on pre, post or prepare, which ignore-scripts skips', () => {
    const names = Object.keys(manifest.scripts ?? {});

    expect(names).toContain('test');
    expect(names.filter((name) => /^(pre|post)(?!view)|^prepare$/.test(name))).toEqual([]);
  });
});
