import { expect, test } from 'vitest';
import { merged, namesPicture, snippetOf, unknownMergeFields } from '../../../domain/tracking/promoTool.js';

const values = { link: 'https://go.example/r/ada?to=%2Fa&b=1', affiliate_name: 'Ada <b>', program_name: 'Spring & Co' };
const lightbox = { url: 'https://go.example/t/lightbox.js' };
const plain = { picture: null, lightbox };
const picture = { url: 'https://go.example/t/media/ab.png', width: 300, height: 250 };
const link = 'https://go.example/r/ada?to=%2Fa&#38;b=1';

test('LNK-12: merge fields are filled in, in HTML as HTML is written; what nobody knows is named', () => {
  const all = { ...values, image: picture.url };
  expect(merged('{{ link }} by {{affiliate_name}}', all, true)).toBe(`${link} by Ada &#60;b&#62;`);
  expect(merged('{{program_name}}: {{link}}', all, false)).toBe('Spring & Co: https://go.example/r/ada?to=%2Fa&b=1');
  expect(merged('{{image}}', all, true)).toBe('https://go.example/t/media/ab.png');
  expect(unknownMergeFields('{{link}} {{name}} {{ name }} {{}} {{__proto__}}')).toEqual(['name', '', '__proto__']);
  expect(namesPicture('<img src="{{ image }}">')).toBe(true);
  expect(namesPicture('{{link}}')).toBe(false);
});

test.each([' ', 'a ', '{{ ', '{{a'])(
  'a text of nothing but %j after the braces costs no more than its length',
  (part) => {
    const text = `{{${part.repeat(20_000)}`;
    expect(unknownMergeFields(text)).toEqual([]);
    expect(merged(text, { ...values, image: '' }, true)).toBe(text);
  },
);

test('LNK-13: a banner of the library is its picture in the own link; HTML without a link is wrapped in one', () => {
  const banner = { kind: 'banner', name: 'Big "sale"', html: null, text: null } as const;
  expect(snippetOf(banner, values, { picture, lightbox }).html).toBe(
    `<a href="${link}"><img src="https://go.example/t/media/ab.png" width="300" height="250" alt="Big &#34;sale&#34;"></a>`,
  );
  const foreign = { ...banner, html: '<img src="https://shop.example/a.png" alt="A">' };
  expect(snippetOf(foreign, values, plain).html).toBe(
    `<a href="${link}"><img src="https://shop.example/a.png" alt="A"></a>`,
  );
  const own = snippetOf({ ...banner, html: '<a href="{{link}}"><img src="{{image}}"></a>' }, values, {
    picture,
    lightbox,
  });
  expect(own.html).toBe(`<a href="${link}"><img src="https://go.example/t/media/ab.png"></a>`);
});

test('LNK-14: a lightbox is hidden content and the script that opens it, without inline code', () => {
  const { html } = snippetOf({ kind: 'lightbox', name: 'Pop <1>', html: null, text: null }, values, {
    picture,
    lightbox,
  });
  expect(html).toBe(
    `<div data-tributary-lightbox="Pop &#60;1&#62;" hidden><a href="${link}"><img src="https://go.example/t/media/ab.png" ` +
      `width="300" height="250" alt="Pop &#60;1&#62;"></a></div>\n<script src="https://go.example/t/lightbox.js" async></script>`,
  );
});

test('LNK-15: a mail is what was written; a link is its name, or its text', () => {
  expect(snippetOf({ kind: 'link', name: 'Spring <sale>', html: null, text: null }, values, plain)).toEqual({
    url: values.link,
    html: `<a href="${link}">Spring &#60;sale&#62;</a>`,
    text: values.link,
  });
  expect(snippetOf({ kind: 'email', name: 'Mail', html: null, text: 'Hi, {{link}}' }, values, plain)).toEqual({
    url: values.link,
    html: null,
    text: `Hi, ${values.link}`,
  });
});
