import { expect, test } from 'vitest';
import { judgePage } from '../../../domain/tracking/linkCheck.js';

const page = {
  url: 'https://shop.example/pricing',
  ownHosts: ['go.example'],
  scriptHosts: ['go.example', 'track.example:8443'],
};
const answered = (status: number, body = '', isCut = false) =>
  judgePage({ kind: 'answered', status, body, isCut }, page);

test.each([
  [200, 'untracked', false, false],
  [204, 'untracked', false, false],
  [301, 'ok', null, false],
  [302, 'ok', null, false],
  [401, 'unreachable', null, true],
  [403, 'unreachable', null, true],
  [404, 'unreachable', null, false],
  [410, 'unreachable', null, false],
  [429, 'unknown', null, false],
  [500, 'unreachable', null, false],
  [503, 'unreachable', null, false],
] as const)('%i is %s', (status, health, scriptFound, isPrivate) => {
  expect(answered(status)).toEqual({ health, status, fault: null, scriptFound, isPrivate });
});

test.each([
  '<script async src="https://go.example/t/v1.js" data-key="pk_live_x"></script>',
  "<SCRIPT data-key=pk SRC='//go.example/t/v1.js'>",
  '<script src=http://track.example:8443/t/v1.js defer></script>',
  '<!-- the tracking --><script\nsrc="https://go.example/t/v1.js?key=pk_live_x"></script>',
  '<script>if (a<b) document.write("<!--")</script><script src="https://go.example/t/v1.js"></script>',
])('%s is the script', (body) => {
  expect(answered(200, `<html>${body}</html>`)).toMatchObject({ health: 'ok', scriptFound: true });
});

test.each([
  '<script src="https://evil.example/t/v1.js"></script>',
  '<script src="https://goxexample/t/v1.js"></script>',
  '<script src="https://evil.example/?https://go.example/t/v1.js"></script>',
  '<a href="https://go.example/t/v1.js">script</a>',
  '<!-- <b>old</b> <script src="https://go.example/t/v1.js"></script> -->',
  '<scripted src="https://go.example/t/v1.js">',
])('%s is not', (body) => {
  expect(answered(200, body)).toMatchObject({ health: 'untracked', scriptFound: false });
});

test.each(['<script ', '<!--', '<script src', 'src = ', '<'])(
  'a page of nothing but %s costs no more than its length',
  (part) => {
    const body = part.repeat(100_000);
    expect(answered(200, `${body}>`)).toMatchObject({ scriptFound: false });
    expect(answered(200, body)).toMatchObject({ scriptFound: false });
  },
);

test('a page that was read in part only, our own page, and no answer', () => {
  expect(answered(200, '<html>', true)).toMatchObject({ health: 'ok', scriptFound: null });
  const own = judgePage(
    { kind: 'answered', status: 200, body: '', isCut: false },
    { ...page, url: 'https://go.example/f/1' },
  );
  expect(own).toMatchObject({ health: 'ok', scriptFound: true });
  expect(judgePage({ kind: 'failed', fault: 'no_answer' }, page)).toMatchObject({
    health: 'unreachable',
    isPrivate: false,
  });
  expect(judgePage({ kind: 'failed', fault: 'inner_address' }, page)).toMatchObject({
    health: 'unreachable',
    isPrivate: true,
  });
});
