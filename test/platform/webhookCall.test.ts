import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret } from '../../platform/secrets.js';
import { callWebhook } from '../../platform/webhookCall.js';

// A merchant verifies what we send with a stock client, not with a function of ours (BEY-23, reliability.md G12).

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

let received: Received | undefined;
const server = createServer((request: IncomingMessage, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    received = {
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(parts).toString('utf8'),
    };
    response.writeHead(204).end();
  });
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

const body = JSON.stringify({ id: 'evt_1', type: 'sale.recorded', note: 'Zoë · 10 €' });

async function send(secrets: readonly string[]): Promise<Received> {
  received = undefined;
  const { port } = server.address() as AddressInfo;
  const answer = await callWebhook(
    { url: `http://127.0.0.1:${port}/hook`, eventId: 'evt_1', body, secrets },
    { outboundAllow: ['127.0.0.1'] },
  );
  expect(answer).toMatchObject({ kind: 'answered', status: 204 });
  if (received === undefined) throw new Error('nothing came');
  return received;
}

test('a stock Standard Webhooks client verifies id, time and body, under both secrets while they change', async () => {
  const [now, before, other] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
  const call = await send([now, before]);
  for (const secret of [now, before])
    expect(new Webhook(secret).verify(call.body, call.headers)).toEqual(JSON.parse(body));
  expect(() => new Webhook(other).verify(call.body, call.headers)).toThrow('No matching signature');
  const later = await send([now]);
  expect(() => new Webhook(before).verify(later.body, later.headers)).toThrow('No matching signature');
});

test('each byte of the body, the id and the time is signed', async () => {
  const secret = newWebhookSecret();
  const { headers, body: sent } = await send([secret]);
  const client = new Webhook(secret);
  for (let at = 0; at < sent.length; at += 1) {
    const changed = `${sent.slice(0, at)}${sent[at] === 'x' ? 'y' : 'x'}${sent.slice(at + 1)}`;
    expect(() => client.verify(changed, headers), `byte ${at}`).toThrow('No matching signature');
  }
  expect(() => client.verify(sent, { ...headers, 'webhook-id': 'evt_2' })).toThrow('No matching signature');
  const time = String(Number(headers['webhook-timestamp']) - 1);
  expect(() => client.verify(sent, { ...headers, 'webhook-timestamp': time })).toThrow('No matching signature');
  const old = String(Number(headers['webhook-timestamp']) - 600);
  expect(() => client.verify(sent, { ...headers, 'webhook-timestamp': old })).toThrow('too old');
});
