import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { answer } from '../../api/answer.js';
import { defineRoute } from '../../api/route.js';
import { uploadedFile } from '../../api/upload.js';
import { nameText } from '../../api/schemas/wire.js';
import { startTestApi, type TestApi, type TestWorkspace } from './support.js';

// Uploads as every route takes them: multipart/form-data with one part `file`, to 20 MiB (api.md 1.1, reliability.md 7 I).

const take = defineRoute({
  method: 'POST',
  path: '/v1/files',
  permission: 'link.write',
  upload: true,
  body: z.strictObject({ file: uploadedFile, name: nameText.exactOptional() }),
  reply: z.strictObject({ name: z.string(), size: z.int(), sha256: z.string(), label: z.string().nullable() }),
  status: 201,
  refuses: ['upload.file_rejected'],
  handle: (ctx) =>
    ctx.write(() => {
      const { file, name = null } = ctx.body;
      return Promise.resolve(answer({ name: file.name, size: file.bytes.length, sha256: file.sha256, label: name }));
    }),
});

let api: TestApi;
let ws: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi({ routes: [take] });
  ws = await api.makeWorkspace();
});
afterAll(() => api.close());

type Sent = string | readonly [text: string, fileName: string];

async function send(parts: readonly (readonly [string, Sent])[], headers: Readonly<Record<string, string>> = {}) {
  const form = new FormData();
  for (const [name, value] of parts)
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([value[0]]), value[1]);
  const response = await fetch(`${api.url}/v1/files`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${ws.key}`, ...headers },
    body: form,
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

test('a file with a field beside it arrives whole; its name is no path', async () => {
  const sent = await send([
    ['name', 'Spring'],
    ['file', ['hello', '..\\..\\etc/\u202epasswd.png']],
  ]);

  expect(sent).toMatchObject({
    status: 201,
    body: {
      name: 'passwd.png',
      size: 5,
      sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      label: 'Spring',
    },
  });
});

test('an Idempotency-Key holds for the same file only', async () => {
  const key = { 'Idempotency-Key': 'upload-1' };
  expect((await send([['file', ['hello', 'a.txt']]], key)).status).toBe(201);

  const again = await send([['file', ['hello', 'a.txt']]], key);
  const other = await send([['file', ['hullo', 'a.txt']]], key);

  expect(again.status).toBe(201);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
});

test.each([
  { what: 'no file', parts: [['name', 'x']], code: 'validation_failed' },
  {
    what: 'two files',
    parts: [
      ['file', ['a', 'a']],
      ['file', ['b', 'b']],
    ],
    code: 'validation_failed',
  },
  { what: 'a file under another name', parts: [['image', ['a', 'a']]], code: 'validation_failed' },
  { what: 'a field that is no file', parts: [['file', 'text']], code: 'validation_failed' },
  {
    what: 'a field twice',
    parts: [
      ['name', 'a'],
      ['name', 'b'],
      ['file', ['a', 'a']],
    ],
    code: 'validation_failed',
  },
  {
    what: 'an unknown field',
    parts: [
      ['file', ['a', 'a']],
      ['status', 'x'],
    ],
    code: 'validation_failed',
  },
] as const)('$what is refused', async ({ parts, code }) => {
  expect(await send(parts)).toMatchObject({ status: 422, body: { code } });
});

const raw = (body: string | Uint8Array<ArrayBuffer>, type: string) =>
  api.as(ws.key, '/v1/files', { method: 'POST', raw: body, headers: { 'Content-Type': type } });

test('what is no multipart body, breaks off, or is too large, is refused and the connection lives or closes cleanly', async () => {
  expect(await raw('{}', 'application/json')).toMatchObject({ status: 415 });
  expect(await raw('x', 'multipart/form-data')).toMatchObject({ status: 415 });
  expect(await raw('not a part', 'multipart/form-data; boundary=b')).toMatchObject({
    status: 422,
    body: { code: 'file_rejected' },
  });
  const open = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhal';
  expect(await raw(open, 'multipart/form-data; boundary=b')).toMatchObject({
    status: 422,
    body: { code: 'file_rejected' },
  });
  const large = Buffer.concat([
    Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'),
    Buffer.alloc(20 * 1_048_576 + 1, 120),
    Buffer.from('\r\n--b--\r\n'),
  ]);
  expect(await raw(new Uint8Array(large), 'multipart/form-data; boundary=b')).toMatchObject({
    status: 413,
    body: { code: 'body_too_large' },
  });
});
