import { createHash, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AuditBundle, verifyBundle } from '../domain/audit/bundle.js';
import { eventTexts, parseRecording } from '../domain/audit/recording.js';

// The stand-alone verifier: Node's built-ins and domain/audit only, no database, no Temporal, nothing of the product running.
//   node verifyAudit.js bundle.json

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function main(file: string | undefined): number {
  if (file === undefined) {
    process.stderr.write('usage: verifyAudit <bundle.json>\n');
    return 2;
  }
  const bundle = JSON.parse(readFileSync(file, 'utf8')) as AuditBundle;
  if (bundle.format !== 'tributary-audit-1') {
    process.stderr.write(`not an audit bundle: ${String(bundle.format)}\n`);
    return 2;
  }
  const findings = verifyBundle(bundle, sha256, (text, signature, publicKeyPem) =>
    verify(null, Buffer.from(text), publicKeyPem, Buffer.from(signature, 'base64')),
  );
  const events = bundle.histories.reduce(
    (total, history) => total + eventTexts(parseRecording(history.json)).length,
    0,
  );
  process.stdout.write(
    `${bundle.leaves.length} leaves, ${bundle.commits.length} commits, ${bundle.histories.length} histories with ${events} events, ${bundle.heads.length} signed heads\n`,
  );
  for (const finding of findings) process.stdout.write(`FAIL ${finding.code} at ${finding.at}: ${finding.detail}\n`);
  process.stdout.write(
    findings.length === 0 ? 'pass: the record is as it was written\n' : `fail: ${findings.length} findings\n`,
  );
  return findings.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv[2]);
