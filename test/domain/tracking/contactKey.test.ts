import { expect, test } from 'vitest';
import { emailKey, phoneKey } from '../../../domain/tracking/contactKey.js';

test.each([
  { rule: 'case never matters', email: 'Jo@Buyer.Example', key: 'jo@buyer.example' },
  { rule: 'Gmail ignores dots and tags', email: 'J.o.Buyer+shop@gmail.com', key: 'jobuyer@gmail.com' },
  { rule: 'Googlemail is Gmail', email: 'jobuyer@googlemail.com', key: 'jobuyer@gmail.com' },
  { rule: 'Outlook ignores tags, not dots', email: 'jo.buyer+x@outlook.com', key: 'jo.buyer@outlook.com' },
  { rule: 'elsewhere a plus is part of the name', email: 'jo+x@buyer.example', key: 'jo+x@buyer.example' },
  { rule: 'a name that is only a tag stays', email: '+x@gmail.com', key: '+x@gmail.com' },
  { rule: 'the protonmail domains are one', email: 'jo@pm.me', key: 'jo@proton.me' },
])('$rule: $email', ({ email, key }) => {
  expect(emailKey(email)).toBe(key);
});

test.each([
  { rule: 'spaces and brackets are decoration', phone: '+48 (600) 100-200', key: '+48600100200' },
  { rule: '00 stands for +', phone: '0048600100200', key: '+48600100200' },
  { rule: 'a bracketed trunk zero goes', phone: '+44 (0)20 7946 0958', key: '+442079460958' },
  { rule: 'a national number is not guessed', phone: '600100200', key: undefined },
  { rule: 'too short', phone: '+48600', key: undefined },
  { rule: 'letters', phone: '+48 CALL ME', key: undefined },
])('$rule: $phone', ({ phone, key }) => {
  expect(phoneKey(phone)).toBe(key);
});
