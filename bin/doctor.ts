import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadConfig, localEnvironment, readEnvFile } from '../platform/config.js';
import { isSameProcess, type ProcessMark } from '../platform/embedded/children.js';
import { defaultPorts, isFree, readPorts } from '../platform/embedded/ports.js';
import { checkPostgresRuns, findOrphanPort } from '../platform/embedded/postgres.js';
import { isOk } from '../platform/embedded/service.js';
import { locateTemporalCli } from '../platform/embedded/temporal.js';

type Finding = { readonly state: 'fine' | 'note' | 'wrong'; readonly text: string };

const fine = (text: string): Finding => ({ state: 'fine', text });
const note = (text: string): Finding => ({ state: 'note', text });
const wrong = (text: string): Finding => ({ state: 'wrong', text });

const nodeNeeded = [20, 20] as const;
const diskNeededBytes = 2_000_000_000; // a build of the CLI and a year of demo data

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < nodeNeeded[0] || (major === nodeNeeded[0] && minor < nodeNeeded[1]);
  return isOld
    ? wrong(`Node ${process.versions.node}: needs ${nodeNeeded.join('.')} or newer`)
    : fine(`Node ${process.versions.node}`);
}

function checkLibc(): Finding {
  if (process.platform !== 'linux') return fine(`${process.platform} ${process.arch}`);
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const version = report.header?.glibcVersionRuntime;
  // Temporal's native part is built against glibc (dependencies.md 2, fact 15).
  return version === undefined
    ? wrong('no glibc: use a Debian-based system or image, not Alpine')
    : fine(`glibc ${version}`);
}

async function checkPostgres(dataDir: string): Promise<Finding> {
  if (process.env['DATABASE_URL']) return fine('Postgres: DATABASE_URL');
  try {
    await checkPostgresRuns(join(dataDir, 'postgres'));
    return fine('Postgres: embedded, can run here');
  } catch (error) {
    return wrong(`Postgres: ${messageOf(error)}`);
  }
}

async function checkTemporal(dataDir: string): Promise<readonly Finding[]> {
  if (process.env['TEMPORAL_ADDRESS']) return [fine('Temporal: TEMPORAL_ADDRESS')];
  const notes: Finding[] = [];
  try {
    const path = await locateTemporalCli({
      dataDir,
      onProgress: (message) => notes.push(note(`Temporal: ${message}`)),
    });
    return [
      path === undefined
        ? note('Temporal: no CLI here yet; npm start downloads it, or builds it with Go in minutes')
        : fine(`Temporal: ${path}`),
      ...notes,
    ];
  } catch (error) {
    return [wrong(`Temporal: ${messageOf(error)}`)];
  }
}

async function checkDisk(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(existsSync(dataDir) ? dataDir : '.');
  const free = bavail * bsize;
  const text = `disk: ${(free / 1e9).toFixed(1)} GB free`;
  return free < diskNeededBytes ? wrong(`${text}; needs ${diskNeededBytes / 1e9} GB`) : fine(text);
}

function checkSettings(): Finding {
  // What npm start finds by itself gets a stand-in; what a person set is read as it is.
  const standIns = {
    DATABASE_URL: 'postgres://a@localhost/a',
    TEMPORAL_ADDRESS: 'localhost:1',
    PUBLIC_URL: 'http://localhost',
  };
  const secret = { SECRET_KEY: `key1:${Buffer.alloc(32).toString('base64')}` };
  try {
    const env = localEnvironment();
    loadConfig(env['NODE_ENV'] === 'production' ? env : { ...standIns, ...secret, ...env });
    return fine('settings: readable');
  } catch (error) {
    return wrong(`settings: ${messageOf(error)}`);
  }
}

async function checkRunning(dataDir: string): Promise<readonly Finding[]> {
  const holder = readHolder(join(dataDir, 'start.lock'));
  if (holder !== undefined && (await isSameProcess(holder))) {
    const running = readEnvFile(join(dataDir, 'running.env'));
    const findings = [fine(`npm start runs, process ${holder.pid}`)];
    for (const [name, port] of [
      ['api', running['PORT']],
      ['worker', running['WORKER_HEALTH_PORT']],
    ] as const) {
      const ok = port !== undefined && (await isOk(`http://127.0.0.1:${port}/readyz`));
      findings.push(
        ok ? fine(`${name}: ready`) : wrong(`${name}: not ready; see ${join(dataDir, 'log', `${name}.log`)}`),
      );
    }
    return findings;
  }
  const findings: Finding[] = [];
  if (holder !== undefined) findings.push(note('a start was killed; the next npm start takes over what it left'));
  const orphan = await findOrphanPort(join(dataDir, 'postgres'));
  if (orphan !== undefined) findings.push(note(`Postgres still runs on ${orphan}; the next npm start takes it over`));
  for (const [name, port] of Object.entries({ ...defaultPorts, ...readPorts(join(dataDir, 'ports.json')) })) {
    if (port !== orphan && !(await isFree(port)))
      findings.push(note(`port ${port} (${name}) is taken; npm start will take the next free one`));
  }
  return findings;
}

function readHolder(file: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessMark;
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `npm run doctor`: what is missing or wrong on this machine, with the fix; exit code 1 when npm start would fail. */
async function main(): Promise<number> {
  const dataDir = resolve(process.env['DATA_DIR'] || '.data');
  const findings: Finding[] = [
    checkNode(),
    checkLibc(),
    checkSettings(),
    await checkPostgres(dataDir),
    ...(await checkTemporal(dataDir)),
    await checkDisk(dataDir),
    ...(await checkRunning(dataDir)),
  ];
  const marks = { fine: '✔', note: '·', wrong: '✖' } as const;
  for (const { state, text } of findings)
    process.stdout.write(`  ${marks[state]} ${text.replaceAll('\n', '\n    ')}\n`);
  const bad = findings.filter((finding) => finding.state === 'wrong').length;
  process.stdout.write(bad === 0 ? '\n  nothing stands in the way of npm start\n' : `\n  ${bad} to mend\n`);
  return bad === 0 ? 0 : 1;
}

process.exitCode = await main();
