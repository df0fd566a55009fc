import { expect, test } from 'vitest';
import { mergePlaces, mergeTemplate, templateProblems } from '../../../domain/messaging/template.js';

test('a place is its field with or without spaces, and the words for when there is no value', () => {
  expect(mergePlaces('{{link}}, {{ affiliate_name | dear friend }} and {{ }}')).toEqual([
    { name: 'link', words: undefined },
    { name: 'affiliate_name', words: ' dear friend ' },
    { name: '', words: undefined },
  ]);
  expect(mergeTemplate('{{ link }}{{link|none}}{{ }}', {})).toBe('none');
  expect(templateProblems('{{ nobody knows }} {{}}')).toEqual(['{{ nobody knows }}', '{{}}']);
});

test.each([' ', 'a ', '|', '{{ ', '{{a'])(
  'a text of nothing but %j after the braces costs no more than its length',
  (part) => {
    const text = `{{${part.repeat(20_000)}`;
    expect(mergeTemplate(text, {})).toBe(text);
    expect(templateProblems(text)).toEqual(['a brace without its other one']);
  },
);
