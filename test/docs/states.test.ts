import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diagramOf, findStateTables, readmeWith, statesPage } from '../../bin/stateDiagrams.js';
import { commissionTransitions } from '../../domain/earning/commission.js';

// screens.md 10.4: the diagrams are drawn from the tables in domain/, and differ from them nowhere.

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/states.md and the README show the tables as they are (npm run docs:states)', async () => {
  const tables = await findStateTables();

  expect(tables.length).toBeGreaterThanOrEqual(15);
  expect(read('docs/states.md')).toBe(statesPage(tables));
  expect(readmeWith(read('README.md'), tables)).toBe(read('README.md'));
});

test('a diagram has every move of its table, and an end where nothing leaves', () => {
  const lines = diagramOf(commissionTransitions).split('\n');

  expect(lines).toContain('  pending --> approved: approved');
  expect(lines).toContain('  approved --> pending: approvalWithdrawn');
  expect(lines).toContain('  paid --> [*]');
});
