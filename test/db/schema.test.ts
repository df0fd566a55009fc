import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, connectEdge, connectRelay, type Db, durabilityFindings, roleFindings } from '../../db/connection.js';
import { migrateDown, migrateUp, migrationState } from '../../db/migrate.js';
import { inWorkspace, readWorkspace } from '../../db/transaction.js';
import { affiliateTransitions } from '../../domain/affiliate/affiliate.js';
import { documentTransitions } from '../../domain/affiliate/document.js';
import { enrolmentTransitions } from '../../domain/affiliate/enrolment.js';
import { appealTransitions } from '../../domain/earning/appeal.js';
import { commissionKinds, commissionTransitions } from '../../domain/earning/commission.js';
import { checkTransitions, referralStages, referralTransitions } from '../../domain/earning/referral.js';
import { saleTransitions } from '../../domain/earning/sale.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { payoutTransitions } from '../../domain/payout/payout.js';
import { attemptTransitions } from '../../domain/payout/payoutAttempt.js';
import { payoutRunTransitions } from '../../domain/payout/payoutRun.js';
import { programTransitions } from '../../domain/program/program.js';
import { leadTransitions } from '../../domain/tracking/lead.js';
import { linkTransitions } from '../../domain/tracking/link.js';
import { statusesOf } from '../../domain/transitions.js';
import { newId } from '../../platform/newId.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let db: Db;
let owner: Knex;

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect({ url: database.appUrl, poolSize: 1, applicationName: 'test' });
  owner = knexFactory({ client: 'pg', connection: database.ownerUrl, pool: { min: 0, max: 1 } });
});
afterAll(async () => {
  await db.destroy();
  await owner.destroy();
  await database.drop();
});

describe('migrations', () => {
  test('go up, down and up again', async () => {
    const other = await createTestDatabase();
    const before = await migrationState(other.ownerUrl);

    const taken = await migrateDown(other.ownerUrl);
    const applied = await migrateUp(other.ownerUrl);
    const again = await migrateUp(other.ownerUrl);

    expect(before.pending).toEqual([]);
    expect([...taken].reverse()).toEqual(applied);
    expect(applied.length).toBeGreaterThanOrEqual(8);
    expect(again).toEqual([]);
    await other.drop();
  });

  test('refuse data that is newer than the code, by name', async () => {
    const other = await createTestDatabase();
    const pool = knexFactory({ client: 'pg', connection: other.ownerUrl, pool: { min: 0, max: 1 } });
    await pool('schema_migrations').insert({
      name: '20991231_2359_from_the_future',
      batch: 9,
      migration_time: new Date(),
    });
    await pool.destroy();

    await expect(migrateUp(other.ownerUrl)).rejects.toThrow('20991231_2359_from_the_future');
    await other.drop();
  });
});

describe('status checks', () => {
  test.each([
    { constraint: 'affiliates_status', words: statusesOf(affiliateTransitions) },
    { constraint: 'affiliate_documents_status', words: statusesOf(documentTransitions) },
    { constraint: 'enrolments_status', words: statusesOf(enrolmentTransitions) },
    { constraint: 'referrals_status', words: statusesOf(referralTransitions) },
    { constraint: 'referrals_stage', words: referralStages },
    { constraint: 'checks_status', words: statusesOf(checkTransitions) },
    { constraint: 'appeals_status', words: statusesOf(appealTransitions) },
    { constraint: 'commissions_status', words: statusesOf(commissionTransitions) },
    { constraint: 'commissions_kind', words: commissionKinds },
    { constraint: 'sales_status', words: statusesOf(saleTransitions) },
    { constraint: 'leads_verdict', words: statusesOf(leadTransitions) },
    { constraint: 'links_status', words: statusesOf(linkTransitions) },
    { constraint: 'payouts_status', words: statusesOf(payoutTransitions) },
    { constraint: 'payout_attempts_state', words: statusesOf(attemptTransitions) },
    { constraint: 'payout_runs_status', words: statusesOf(payoutRunTransitions) },
    { constraint: 'programs_status', words: statusesOf(programTransitions) },
  ])('$constraint has the words of its table in domain/', async ({ constraint, words }) => {
    const { rows } = await owner.raw<{ rows: { text: string }[] }>(
      'select pg_get_constraintdef(oid) as text from pg_constraint where conname = ?',
      [constraint],
    );
    const found = [...(rows[0]?.text ?? '').matchAll(/'([a-z_]+)'::text/g)].map((match) => match[1]);
    expect(new Set(found)).toEqual(new Set(words));
  });
});

describe('row-level security', () => {
  test('stands on every table that has a workspace, and no table is forced', async () => {
    const { rows } = await owner.raw<{ rows: { name: string; secured: boolean; forced: boolean }[] }>(
      `select c.relname as name, c.relrowsecurity as secured, c.relforcerowsecurity as forced
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
       where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace`,
    );
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((row) => row.forced)).toEqual([]);
    // Above workspaces: reached through the directory's definer functions only.
    const above = ['sessions', 'one_time_tokens'];
    const open = rows.filter((row) => !row.secured).map((row) => row.name);
    for (const table of open) {
      const { rows: granted } = await owner.raw<{ rows: { may: boolean }[] }>(
        `select has_table_privilege('tributary_app', ?, 'select') as may`,
        [table],
      );
      expect({ table, mayRead: granted[0]?.may }).toEqual({ table, mayRead: false });
      expect(above).toContain(table);
    }
  });

  test('TST-07: whatever has a mode can be put away with the test data, or is said here to stay', async () => {
    const { rows } = await owner.raw<{ rows: { name: string; archivable: boolean }[] }>(
      `select c.relname as name, exists (
         select from pg_policies p where p.tablename = c.relname and p.policyname = c.relname || '_archived' and p.permissive = 'RESTRICTIVE'
       ) as archivable
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'mode' and not a.attisdropped
       where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`,
    );
    const stays: Readonly<Record<string, string>> = {
      api_keys: 'configuration',
      payment_sources: 'configuration',
      webhook_endpoints: 'configuration',
      audit_entries: 'the trail is append-only',
      ledger_postings: 'the books are append-only; their accounts are put aside',
      ledger_transfers: 'the books are append-only; their accounts are put aside',
      operations: 'jobs, not facts',
      api_log: 'deleted: a log, not facts',
      idempotency_keys: 'deleted: a memory of requests, not facts',
      rollup_deltas: 'deleted: figures of facts',
      program_days: 'deleted: figures of facts',
      affiliate_days: 'deleted: figures of facts',
      link_days: 'deleted: figures of facts',
      affiliate_last_activity: 'deleted: figures of facts',
    };
    const open = rows.filter((row) => !row.archivable).map((row) => row.name);
    expect(open.filter((name) => !(name in stays))).toEqual([]);
  });

  test('every index that two workspaces could share, and every foreign key between workspace tables, carries the workspace', async () => {
    const { rows } = await owner.raw<{ rows: { name: string; definition: string }[] }>(
      `select con.conname as name, pg_get_constraintdef(con.oid) as definition
       from pg_constraint con
       where con.contype = 'f' and con.connamespace = 'public'::regnamespace
         and exists (select from pg_attribute a where a.attrelid = con.conrelid and a.attname = 'workspace_id')
         and exists (select from pg_attribute a where a.attrelid = con.confrelid and a.attname = 'workspace_id')`,
    );
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => !row.definition.includes('workspace_id'))).toEqual([]);
  });

  test('a workspace sees none of another’s rows, by any table or view, without a filter of ours', async () => {
    const [mine, theirs] = [newId('workspace'), newId('workspace')];
    for (const id of [mine, theirs]) {
      await owner('workspaces').insert({ id, name: id });
      await owner('settings').insert({ workspace_id: id, version: 1, sections: '{}' });
      await owner('audit_heads').insert({ workspace_id: id, sequence: 0, leaf_hash: Buffer.alloc(32) });
      await owner('outbox').insert({ workspace_id: id, lane: 'http', topic: 'mail', priority: 2, payload: '{}' });
      await owner('contacts').insert({ workspace_id: id, id: newId('contact'), email_key: 'same@person.example' });
      await owner('clicks').insert({
        id: newId('click'),
        workspace_id: id,
        mode: 'live',
        link_id: 'l',
        affiliate_id: 'a',
        program_id: 'p',
        credit: 'filtered',
      });
    }
    const { rows: readable } = await owner.raw<{ rows: { name: string }[] }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
       where c.relkind in ('r', 'v', 'p') and c.relnamespace = 'public'::regnamespace and has_table_privilege('tributary_app', c.oid, 'select')`,
    );

    const seen = await readWorkspace(db, mine, async (tx) => {
      const found = new Map<string, string[]>();
      for (const { name } of readable) {
        const rows = await tx(name).distinct<{ workspace_id: string }[]>('workspace_id');
        found.set(
          name,
          rows.map((row) => row.workspace_id),
        );
      }
      return found;
    });

    for (const name of ['settings', 'audit_heads', 'outbox', 'contacts', 'clicks'])
      expect(seen.get(name)).toEqual([mine]);
    expect([...seen].filter(([, workspaces]) => workspaces.some((id) => id !== mine))).toEqual([]);
  });

  test('outside a workspace nothing is seen and nothing is written, also after a workspace was open on the connection', async () => {
    const id = newId('workspace');
    await owner('workspaces').insert({ id, name: id });
    await owner('contacts').insert({ workspace_id: id, id: newId('contact') });
    await inWorkspace(db, id, (tx) => tx('contacts').select('id')); // the setting is '' in this session from now on

    expect(await inWorkspace(db, '' as WorkspaceId, (tx) => tx('contacts').select('id'))).toEqual([]);
    await expect(
      inWorkspace(db, '' as WorkspaceId, (tx) => tx('contacts').insert({ id: newId('contact') })),
    ).rejects.toThrow(/workspace_id|row-level security/);
  });

  test('a row of another workspace can be neither written nor pointed at', async () => {
    const [mine, theirs] = [newId('workspace'), newId('workspace')];
    for (const id of [mine, theirs]) await owner('workspaces').insert({ id, name: id });
    const contact = newId('contact');
    await owner('contacts').insert({ workspace_id: theirs, id: contact });

    await expect(
      inWorkspace(db, mine, (tx) => tx('contacts').insert({ workspace_id: theirs, id: newId('contact') })),
    ).rejects.toThrow(/row-level security/);
    await expect(
      inWorkspace(db, mine, (tx) =>
        tx('external_customers').insert({ mode: 'live', external_id: 'u', contact_id: contact }),
      ),
    ).rejects.toThrow(/external_customers_contact/);
  });
});

describe('roles', () => {
  test('the application, the relay and the edge own nothing and rule nothing', async () => {
    const relay = connectRelay({ url: database.appUrl, poolSize: 1, applicationName: 'test' });
    expect(await roleFindings(db)).toEqual([]);
    expect(await roleFindings(relay)).toEqual([]);
    await relay.destroy();
  });

  test('the owner is found out', async () => {
    const asOwner = knexFactory({
      client: 'pg',
      connection: database.ownerUrl,
      pool: { min: 0, max: 1 },
    }) as unknown as Db;
    expect((await roleFindings(asOwner)).length).toBeGreaterThan(0);
    await asOwner.destroy();
  });

  test('settings that lose acknowledged commits are found', async () => {
    await owner.raw('set synchronous_commit = off');
    expect(await durabilityFindings(owner as unknown as Db)).toContain(
      'synchronous_commit is off: acknowledged writes could be lost',
    );
  });

  test('the edge may insert clicks and nothing else', async () => {
    const edge = connectEdge({ url: database.appUrl, poolSize: 1, applicationName: 'test' });
    const insert = `insert into clicks (id, workspace_id, mode, link_id, affiliate_id, program_id, credit) values ($1, 'ws_any', 'live', 'l', 'a', 'p', 'credited')`;
    await edge.query(insert, [newId('click')]);
    await expect(edge.query('select id from clicks')).rejects.toThrow(/permission denied/);
    await expect(edge.query('delete from clicks')).rejects.toThrow(/permission denied/);
    await expect(edge.query('select id from workspaces')).rejects.toThrow(/permission denied/);
    await edge.end();
  });
});
