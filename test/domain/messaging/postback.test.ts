import { expect, test } from 'vitest';
import {
  countCall,
  failuresUntilPause,
  fillMacros,
  postbackEventOf,
  postbackMacros,
  templateProblem,
} from '../../../domain/messaging/postback.js';

test('BEY-21: every macro is filled, percent-encoded; what is not known becomes nothing', () => {
  const template = `https://t.example/p/${postbackMacros.map((name) => `{${name}}`).join('/')}?x={sub1}`;
  const values = Object.fromEntries(postbackMacros.map((name) => [name, `${name} &=/é`]));
  const filled = fillMacros(template, values);
  expect(filled).not.toContain('{');
  expect(filled).toContain('click_id%20%26%3D%2F%C3%A9');
  expect(new URL(filled).searchParams.get('x')).toBe('sub1 &=/é');
  expect(fillMacros('https://t.example/?a={sub1}&b={amount}', { amount: '1.00' })).toBe('https://t.example/?a=&b=1.00');
  expect(fillMacros('https://t.example/?a={sub1}', { sub1: "{amount}!'()*\ud800" })).toBe(
    'https://t.example/?a=%7Bamount%7D%21%27%28%29%2A%EF%BF%BD',
  );
});

test.each([
  { rule: 'no macro at all', url: 'https://t.example/p', problem: null },
  { rule: 'known ones', url: 'https://t.example/{event}?c={click_id}', problem: null },
  {
    rule: 'an unknown one',
    url: 'https://t.example/?c={clickid}',
    problem: { kind: 'unknown_macro', macro: 'clickid' },
  },
  { rule: 'an empty one', url: 'https://t.example/?c={}', problem: { kind: 'unknown_macro', macro: '' } },
  { rule: 'a brace alone', url: 'https://t.example/?c={sub1', problem: { kind: 'open_brace' } },
  { rule: 'one in the host', url: 'https://{sub1}.example/', problem: { kind: 'macro_in_host' } },
  { rule: 'one as the port', url: 'https://t.example:{amount}/', problem: { kind: 'macro_in_host' } },
  { rule: 'one in the user part', url: 'https://{sub1}@t.example/', problem: { kind: 'macro_in_host' } },
  { rule: 'no scheme', url: '{sub1}', problem: { kind: 'macro_in_host' } },
])('$rule in an address → $problem', ({ url, problem }) => {
  expect(templateProblem(url)).toEqual(problem);
});

test('the 25th failure in a row pauses, and a success counts anew', () => {
  let state = { failuresInRow: 0, isPaused: false };
  for (let calls = 1; calls < failuresUntilPause; calls += 1) state = countCall(state, false);
  expect(state).toEqual({ failuresInRow: 24, isPaused: false });
  expect(countCall(state, false)).toEqual({ failuresInRow: 25, isPaused: true });
  expect(countCall(state, true)).toEqual({ failuresInRow: 0, isPaused: false });
});

test('of the history an affiliate is told what is an event of the catalogue, and nothing of test facts', () => {
  const of = (objectType: string, event: string, mode = 'live', changes = {}) =>
    postbackEventOf({ objectType, event, mode, changes });
  expect(of('commission', 'accrued')).toBe('commission.created');
  expect(of('commission', 'accrued', 'test')).toBeNull();
  expect(of('commission', 'held')).toBeNull();
  expect(of('sale', 'processed')).toBeNull();
  expect(of('sale', 'processed', 'live', { outcome: 'accrued' })).toBe('sale.recorded');
  expect(of('payout', 'paid')).toBeNull();
});
