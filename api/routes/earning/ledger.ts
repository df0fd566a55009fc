import type { z } from 'zod';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import {
  findAccount,
  findPosting,
  listAccounts,
  listPostings,
  type PostingFilter,
  readRunningBalances,
} from '../../../db/reads/earning/ledgerList.js';
import { traceMoney } from '../../../db/reads/earning/ledgerTrace.js';
import { readTrialBalance } from '../../../db/reads/earning/trialBalance.js';
import { readWorkspace } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { asOfOrNow, lastInstantOf } from '../../asOf.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import {
  accountList,
  accountOneQuery,
  accountParams,
  accountPostingList,
  accountQuery,
  accountWire,
  checkBody,
  checkReply,
  postingList,
  postingParams,
  postingQuery,
  postingWire,
  presentAccount,
  presentAccountPosting,
  presentPosting,
  presentTrial,
  traceParams,
  traceWire,
  trialQuery,
  trialWire,
} from '../../schemas/earning/ledger.js';

const filterOf = (query: z.output<typeof postingQuery>): PostingFilter => ({
  ...query,
  recordedAt: boundsOf(query, 'recordedAt'),
  effectiveAt: boundsOf(query, 'effectiveAt'),
});

const accounts = defineRoute({
  method: 'GET',
  path: '/v1/ledger-accounts',
  permission: 'ledger.read',
  query: accountQuery,
  reply: accountList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const asOf = await asOfOrNow(tx, ctx.query.asOf);
      const rows = await listAccounts(tx, { mode: ctx.mode, filter: ctx.query, asOf }, page);
      return ctx.list(
        rows,
        page,
        (row) => presentAccount(row, ctx.mode === 'test'),
        (row) => ({ value: row.id, id: row.id }),
      );
    });
  },
});

const account = defineRoute({
  method: 'GET',
  path: '/v1/ledger-accounts/:accountId',
  permission: 'ledger.read',
  params: accountParams,
  query: accountOneQuery,
  reply: accountWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const asOf = await asOfOrNow(tx, ctx.query.asOf);
      const found = await findAccount(tx, { mode: ctx.mode, id: ctx.params.accountId, asOf });
      if (found === undefined) throw new DomainError('resource.not_found');
      return presentAccount(found, ctx.mode === 'test');
    }),
});

const accountPostings = defineRoute({
  method: 'GET',
  path: '/v1/ledger-accounts/:accountId/postings',
  permission: 'ledger.read',
  params: accountParams,
  query: postingQuery,
  reply: accountPostingList,
  refuses: ['resource.not_found'],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const found = await findAccount(tx, { mode: ctx.mode, id: ctx.params.accountId, asOf: null });
      if (found === undefined) throw new DomainError('resource.not_found');
      const filter = { ...filterOf(ctx.query), accountId: [found.id] };
      const rows = await listPostings(tx, { mode: ctx.mode, filter }, page);
      const balanceAfter = await readRunningBalances(
        tx,
        found,
        rows.map((row) => row.id),
      );
      return ctx.list(
        rows,
        page,
        (row) => presentAccountPosting(row, balanceAfter(row.id)),
        (row) => ({ value: row.recordedAt, id: row.id }),
      );
    });
  },
});

const postings = defineRoute({
  method: 'GET',
  path: '/v1/ledger-postings',
  permission: 'ledger.read',
  query: postingQuery,
  reply: postingList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    const filter = filterOf(ctx.query);
    return ctx.read(async (tx) =>
      ctx.list(await listPostings(tx, { mode: ctx.mode, filter }, page), page, presentPosting, (row) => ({
        value: row.recordedAt,
        id: row.id,
      })),
    );
  },
});

const posting = defineRoute({
  method: 'GET',
  path: '/v1/ledger-postings/:postingId',
  permission: 'ledger.read',
  params: postingParams,
  reply: postingWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findPosting(tx, ctx.mode, ctx.params.postingId);
      if (found === undefined) throw new DomainError('resource.not_found');
      return presentPosting(found);
    }),
});

const trial = defineRoute({
  method: 'GET',
  path: '/v1/ledger-trial-balance',
  permission: 'ledger.read',
  query: trialQuery,
  reply: trialWire,
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const { currency, groupBy, effectiveThrough: day = null } = ctx.query;
      const asOf = await asOfOrNow(tx, ctx.query.asOf);
      const effectiveThrough = day === null ? null : await lastInstantOf(tx, day);
      const balance = await readTrialBalance(tx, { mode: ctx.mode, currency, asOf, effectiveThrough, groupBy });
      const of = { currency, asOf: asOf ?? now, effectiveThrough: day, test: ctx.mode === 'test' };
      return presentTrial(balance, of);
    }),
});

const trace = defineRoute({
  method: 'GET',
  path: '/v1/ledger-traces/:objectId',
  permission: 'ledger.read',
  params: traceParams,
  reply: traceWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const { objectId } = ctx.params;
      const steps = await traceMoney(tx, ctx.mode, objectId);
      if (steps === undefined) throw new DomainError('resource.not_found');
      return { object: 'ledger_trace' as const, objectId, steps: [...steps] };
    }),
});

const checks = defineRoute({
  method: 'POST',
  path: '/v1/ledger-checks',
  permission: 'audit.verify',
  body: checkBody,
  reply: checkReply,
  refuses: [],
  handle: (ctx, deps) =>
    readWorkspace(deps.longDb, ctx.workspaceId, async (tx) =>
      (await checkBooks(tx)).map((result) => ({ ...result, sample: result.sample.map((row) => ({ ...row })) })),
    ),
});

export const ledgerRoutes: readonly Route[] = [
  accounts,
  account,
  accountPostings,
  postings,
  posting,
  trial,
  trace,
  checks,
];
