import { expect, test } from 'vitest';
import { postbackEvents, postbackMacros } from '../../domain/messaging/postback.js';
import * as shown from '../../web/kit/postbackWords.js';

test('the form offers every macro and every event that the API knows, and no other', () => {
  expect(shown.macros).toEqual(postbackMacros);
  expect(shown.postbackEvents).toEqual(postbackEvents);
});
