import { expect, test } from 'vitest';
import type { AgreementId } from '../../../domain/ids.js';
import {
  decideProgramMove,
  openForPublishing,
  programActions,
  type ProgramEvent,
  programTransitions,
} from '../../../domain/program/program.js';
import { statusesOf } from '../../../domain/transitions.js';

const d = 'program.already_decided';
const t = 'program.transition_not_allowed';

test.each(statusesOf(programTransitions))('a program that is %s meets every event (features.md 2.8)', (status) => {
  const expected = {
    draft: { published: 'yes', paused: t, resumed: t, closed: 'yes' },
    active: { published: d, paused: 'yes', resumed: d, closed: 'yes' },
    paused: { published: t, paused: d, resumed: 'yes', closed: 'yes' },
    closed: { published: t, paused: t, resumed: t, closed: d },
  }[status];
  const decided = Object.keys(expected).map((event) => {
    const outcome = decideProgramMove({ status }, event as ProgramEvent);
    return [event, outcome.kind === 'refused' ? outcome.code : 'yes'];
  });
  expect(Object.fromEntries(decided)).toEqual(expected);
});

test('publishing needs a product, terms and a rule, and names what is missing', () => {
  const ready = { activeProducts: 1, currentTermsId: 'agr_x' as AgreementId, hasRule: true };
  expect(openForPublishing(ready)).toEqual([]);
  expect(decideProgramMove({ status: 'draft' }, 'published', ready).kind).toBe('accepted');
  const bare = { activeProducts: 0, currentTermsId: null, hasRule: false };
  expect(openForPublishing(bare).map(({ code }) => code)).toEqual(['product_missing', 'terms_missing', 'rule_missing']);
  const refused = decideProgramMove({ status: 'draft' }, 'published', bare);
  expect(refused.kind === 'refused' && refused.code).toBe('program.requirements_open');
});

test('the actions are those of the table', () => {
  expect(programActions('draft')).toEqual(['publish', 'close']);
  expect(programActions('active')).toEqual(['pause', 'close']);
  expect(programActions('closed')).toEqual([]);
});
