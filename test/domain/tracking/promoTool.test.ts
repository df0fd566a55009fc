import { expect, test } from 'vitest';
import { merged, snippetOf, unknownMergeFields } from '../../../domain/tracking/promoTool.js';

const values = { link: 'https://go.example/r/ada?to=%2Fa&b=1', affiliate_name: 'Ada <b>', program_name: 'Spring & Co' };

test('merge fields are filled in, in HTML as HTML is written; what nobody knows is named', () => {
  expect(merged('{{ link }} by {{affiliate_name}}', values, true)).toBe(
    'https://go.example/r/ada?to=%2Fa&#38;b=1 by Ada &#60;b&#62;',
  );
  expect(merged('{{program_name}}: {{link}}', values, false)).toBe('Spring & Co: https://go.example/r/ada?to=%2Fa&b=1');
  expect(unknownMergeFields('{{link}} {{name}} {{ name }} {{}} {{__proto__}}')).toEqual(['name', '', '__proto__']);
});

test('a banner without a link of its own is wrapped in one; one that has it is left as it is', () => {
  const wrapped = snippetOf(
    { kind: 'banner', name: 'Big', html: '<img src="https://shop.example/a.png" alt="A">', text: null },
    values,
  );
  expect(wrapped.html).toBe(
    '<a href="https://go.example/r/ada?to=%2Fa&#38;b=1"><img src="https://shop.example/a.png" alt="A"></a>',
  );
  const own = snippetOf({ kind: 'banner', name: 'Big', html: '<a href="{{link}}">x</a>', text: null }, values);
  expect(own.html).toBe('<a href="https://go.example/r/ada?to=%2Fa&#38;b=1">x</a>');
});

test('a lightbox opens on the page and closes by a button of its own, without a script', () => {
  const { html } = snippetOf(
    { kind: 'lightbox', name: 'Pop', html: '<img src="https://shop.example/a.png" alt="A">', text: null },
    values,
  );
  expect(html).toMatch(/^<dialog open .*<form method="dialog".*aria-label="Close".*<\/dialog>$/);
  expect(html).not.toContain('<script');
});

test('a link is its name, or its text; a mail is what was written', () => {
  expect(snippetOf({ kind: 'link', name: 'Spring <sale>', html: null, text: null }, values)).toEqual({
    url: values.link,
    html: '<a href="https://go.example/r/ada?to=%2Fa&#38;b=1">Spring &#60;sale&#62;</a>',
    text: values.link,
  });
  expect(snippetOf({ kind: 'email', name: 'Mail', html: null, text: 'Hi, {{link}}' }, values)).toEqual({
    url: values.link,
    html: null,
    text: `Hi, ${values.link}`,
  });
});
