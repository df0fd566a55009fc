import { createServer, type AddressInfo, type Server } from 'node:net';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliverEmail, localMailbox, type Mailer, smtpMailer } from '../../../activities/gateways/mail.js';
import { connect, type Db } from '../../../db/connection.js';
import { insertEmail } from '../../../db/messaging/email.js';
import { inWorkspace } from '../../../db/transaction.js';
import { systemActor } from '../../../domain/act.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { insertRow } from '../../support/rows.js';

let database: TestDatabase;
let owner: Knex;
let db: Db;
let server: Server;
const workspaceId = newId('workspace') as WorkspaceId;
const received: string[] = [];

/** A mail server that takes what it is given, but for the mailbox `gone` (550) and the mailbox `full` (452). */
function smtpServer(): Server {
  return createServer((socket) => {
    let isText = false;
    let text = '';
    socket.write('220 test\r\n');
    socket.on('data', (data) => {
      text += data.toString();
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (isText) {
          received.push(line);
          if (line === '.') {
            isText = false;
            socket.write('250 taken\r\n');
          }
        } else if (line.startsWith('DATA')) {
          isText = true;
          socket.write('354 go on\r\n');
        } else if (line.startsWith('RCPT') && line.includes('gone@')) socket.write('550 no such mailbox\r\n');
        else if (line.startsWith('RCPT') && line.includes('full@')) socket.write('452 full\r\n');
        else if (line.startsWith('QUIT')) socket.end('221 bye\r\n');
        else socket.write('250 fine\r\n');
      }
    });
    socket.on('error', () => socket.destroy());
  });
}

beforeAll(async () => {
  database = await createTestDatabase();
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
  db = connect({ url: database.appUrl, poolSize: 2, applicationName: 'test mail' });
  await insertRow(owner, 'workspaces', { id: workspaceId });
  server = smtpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await db.destroy();
  await owner.destroy();
  await database.drop();
});

async function write(recipient: string): Promise<string> {
  return inWorkspace(db, workspaceId, (tx, now) =>
    insertEmail(
      tx,
      {
        workspaceId,
        mode: 'live',
        now,
        actor: systemActor,
        cause: null,
        reasonCode: null,
        origin: null,
        requestId: null,
        newId,
      },
      {
        kind: 'invite',
        recipient,
        subject: 'Willkommen, Zoë',
        body: 'Your link: https://x.example/welcome/1',
        links: [],
      },
    ),
  );
}

const deliver = (mailer: Mailer, emailId: unknown) =>
  deliverEmail({ db, mailer }, { workspaceId, payload: { emailId } }, AbortSignal.timeout(10_000));
const rowOf = (id: string): Promise<unknown> => owner('emails').where({ id }).first('sent_at', 'failed_code');
const smtp = (): Mailer =>
  smtpMailer(`smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, 'https://partners.example.com');

test('a mail is written with its outbox row, sent once, and marked', async () => {
  const id = await write('ana@x.example');
  expect(await owner('outbox').where({ topic: 'mail' }).select('lane', 'priority', 'payload')).toEqual([
    { lane: 'http', priority: 2, payload: { emailId: id } },
  ]);

  expect(await deliver(smtp(), id)).toEqual({ class: 'taken' });
  const mail = received.join('\n');
  expect(mail).toContain('From: no-reply@partners.example.com');
  expect(mail).toContain('To: ana@x.example');
  expect(mail).toContain(`Message-ID: <${id}@partners.example.com>`);
  expect(mail).toContain('https://x.example/welcome/1');
  expect(await rowOf(id)).toMatchObject({ sent_at: expect.any(Date) as Date, failed_code: null });

  // The mark of the outbox row was lost: it comes again, and nothing goes out.
  received.length = 0;
  expect(await deliver(smtp(), id)).toEqual({ class: 'taken' });
  expect(received).toEqual([]);
});

test('a mail that may be declined tells the mail reader how, in one click (NTF-16, RFC 8058); others do not', async () => {
  const id = await write('cleo@x.example');
  expect(await deliver(smtp(), id)).toEqual({ class: 'taken' });
  expect(received.join('\n')).not.toContain('List-Unsubscribe');
  received.length = 0;
  const other = await write('cleo@x.example');
  const url = 'https://partners.example.com/unsubscribe/ws.token';
  await owner('emails').where({ id: other }).update({ unsubscribe_url: url });
  expect(await deliver(smtp(), other)).toEqual({ class: 'taken' });
  const mail = received.join('\n').replaceAll('\n ', ' ');
  expect(mail).toContain(`List-Unsubscribe: <${url}>`);
  expect(mail).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
  received.length = 0;
});

test.each([
  ['a mailbox that does not exist is refused for good', 'gone@x.example', { class: 'refused', code: 'smtp.550' }],
  ['a mailbox that is full is tried again', 'full@x.example', { class: 'failed', code: 'smtp.eenvelope' }],
])('%s', async (_name, recipient, answer) => {
  const id = await write(recipient);
  expect(await deliver(smtp(), id)).toEqual(answer);
  expect(await rowOf(id)).toEqual({ sent_at: null, failed_code: answer.code });
});

test('a mail server that is away is tried again', async () => {
  const id = await write('ana@x.example');
  expect(await deliver(smtpMailer('smtp://127.0.0.1:1', 'https://x.example'), id)).toMatchObject({ class: 'failed' });
});

test('without a mail server the row is the mail; a row that names none is refused', async () => {
  const id = await write('ben@x.example');
  expect(await deliver(localMailbox, id)).toEqual({ class: 'taken' });
  expect(await rowOf(id)).toMatchObject({ sent_at: expect.any(Date) as Date });
  expect(await deliver(localMailbox, 'eml_1')).toEqual({ class: 'refused', code: 'message.malformed' });
  expect(await deliver(localMailbox, undefined)).toEqual({ class: 'refused', code: 'message.malformed' });
});
