import { expect, test } from 'vitest';
import { judgeAnswers, type Question } from '../../../domain/affiliate/application.js';

const question = (name: string, type: Question['type'], more: Partial<Question> = {}): Question => ({
  name,
  label: name.toUpperCase(),
  type,
  required: false,
  options: [],
  ...more,
});

test('answers stand in the order of their questions, with the label as it was asked', () => {
  const { answers, problems } = judgeAnswers([question('reach', 'number'), question('how', 'text')], {
    how: ' by mail ',
    reach: '1200',
  });

  expect(problems).toEqual([]);
  expect(answers).toEqual([
    { name: 'reach', label: 'REACH', value: '1200' },
    { name: 'how', label: 'HOW', value: 'by mail' },
  ]);
});

test.each([
  { rule: 'required and empty', asked: question('a', 'text', { required: true }), given: { a: ' ' }, code: 'required' },
  { rule: 'required and left out', asked: question('a', 'text', { required: true }), given: {}, code: 'required' },
  {
    rule: 'a required tick is a yes',
    asked: question('a', 'checkbox', { required: true }),
    given: { a: 'false' },
    code: 'required',
  },
  { rule: 'a tick is yes or no', asked: question('a', 'checkbox'), given: { a: 'maybe' }, code: 'bad_format' },
  {
    rule: 'a choice is of the list',
    asked: question('a', 'choice', { options: ['x'] }),
    given: { a: 'y' },
    code: 'not_in_list',
  },
  { rule: 'a number', asked: question('a', 'number'), given: { a: '1e9' }, code: 'bad_format' },
  { rule: 'a real day', asked: question('a', 'date'), given: { a: '2026-02-30' }, code: 'bad_format' },
  { rule: 'an address', asked: question('a', 'email'), given: { a: 'a@b' }, code: 'bad_format' },
  { rule: 'a number to call', asked: question('a', 'phone'), given: { a: 'call me' }, code: 'bad_format' },
  { rule: 'not too long', asked: question('a', 'text'), given: { a: 'x'.repeat(501) }, code: 'too_long' },
])('$rule: $code', ({ asked, given, code }) => {
  expect(judgeAnswers([asked], given)).toEqual({ answers: [], problems: [{ name: 'a', code }] });
});

test('an answer to no question is named, also one that every object has', () => {
  const { problems } = judgeAnswers([], { other: 'x', constructor: 'y' });

  expect(problems).toEqual([
    { name: 'other', code: 'unknown_field' },
    { name: 'constructor', code: 'unknown_field' },
  ]);
});
