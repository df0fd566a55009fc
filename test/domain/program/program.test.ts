import { describe, expect, test } from 'vitest';
import type { AgreementId } from '../../../domain/ids.js';
import {
  decideProgramMove,
  openForPublishing,
  programActions,
  type ProgramEvent,
  programTransitions,
} from '../../../domain/program/program.js';
import { deepestLevels, planAt, type SteppedPlan, stepsAfter } from '../../../domain/program/programPlan.js';
import type { Instant } from '../../../domain/time.js';
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

describe('the plan of a program at an instant (PRG-17)', () => {
  const day = (of: number): Instant => `2026-03-0${of}T00:00:00.000Z` as Instant;
  const plan = (levels: number, acquisitionModel: 'cpl' | 'cpa' | null = null) => ({ levels, acquisitionModel });
  const fresh = { ...plan(1), planSteps: [] };
  const changed = { ...plan(2), planSteps: stepsAfter(fresh, plan(2), day(3), [], false) };
  const levelsOn = (program: SteppedPlan) => [1, 3, 5, 7].map((of) => planAt(program, day(of)).levels);

  test.each([
    ['it never changed', fresh, [1, 1, 1, 1]],
    ['it changed once', changed, [1, 2, 2, 2]],
    ['it changed again', { ...plan(3), planSteps: stepsAfter(changed, plan(3), day(5), [], false) }, [1, 2, 3, 3]],
    [
      'a change is planned',
      { ...fresh, planSteps: stepsAfter(fresh, fresh, day(1), [{ from: day(5), levels: 4 }], false) },
      [1, 1, 4, 4],
    ],
    [
      'what is planned names no plan',
      { ...fresh, planSteps: stepsAfter(fresh, fresh, day(1), [{ from: day(5) }], false) },
      [1, 1, 1, 1],
    ],
    [
      'a change before one that is planned',
      { ...plan(2), planSteps: stepsAfter(fresh, plan(2), day(3), [{ from: day(7), acquisitionModel: 'cpl' }], false) },
      [1, 2, 2, 2],
    ],
    ['a draft has no past', { ...plan(2), planSteps: stepsAfter(fresh, plan(2), day(3), [], true) }, [2, 2, 2, 2]],
    [
      'a draft has a future',
      { ...plan(2), planSteps: stepsAfter(fresh, plan(2), day(3), [{ from: day(5), levels: 3 }], true) },
      [2, 2, 3, 3],
    ],
  ] as const)('%s', (_rule, program, expected) => {
    expect(levelsOn(program)).toEqual(expected);
  });

  test('two planned changes stand one on the other, in whatever order they are told', () => {
    const planned = [
      { from: day(7), acquisitionModel: 'cpl' as const },
      { from: day(5), levels: 2 },
    ];
    const planSteps = stepsAfter(fresh, fresh, day(1), planned, false);
    expect(planSteps).toEqual([
      { from: null, ...plan(1) },
      { from: day(5), ...plan(2) },
      { from: day(7), ...plan(2, 'cpl') },
    ]);
    expect(deepestLevels({ ...fresh, planSteps })).toBe(2);
  });
});
