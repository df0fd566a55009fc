import { z } from 'zod';
import type { AccountView, PostingView } from '../../../db/reads/earning/ledgerList.js';
import type { TrialBalance } from '../../../db/reads/earning/trialBalance.js';
import { type AccountKind, accountKinds } from '../../../domain/earning/ledger.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import { asOfParameter } from '../../asOf.js';
import { anyOf, anyText, instantRange, listQuery } from '../../lists.js';
import { currencyWire, dateWire, idWire, instantWire, listOf, moneyWire, signedMoneyWire } from '../wire.js';

const kinds = Object.keys(accountKinds) as [AccountKind, ...AccountKind[]];
export const accountParams = z.strictObject({ accountId: idWire('ledgerAccount') });
/** A posting is a line of its transfer: `trf_….1`. */
export const postingParams = z.strictObject({ postingId: z.string().regex(/^trf_[0-9a-z]{26}\.[1-9]\d{0,3}$/) });
export const traceParams = z.strictObject({ objectId: z.string().max(64) });

export const accountQuery = listQuery(
  { kind: anyOf(kinds), ownerId: anyText(), currency: anyText(), ...asOfParameter },
  { sort: ['id'], q: true },
);
export const accountOneQuery = z.strictObject(asOfParameter);
export const postingQuery = listQuery(
  {
    transferId: anyText(),
    kind: anyText(),
    causeType: anyText(),
    causeId: anyText(),
    accountId: anyText(),
    ...instantRange('recordedAt'),
    ...instantRange('effectiveAt'),
  },
  { sort: ['recordedAt'], q: true },
);
export const trialQuery = z.strictObject({
  currency: currencyWire,
  ...asOfParameter,
  /** Only what happened up to this day of the workspace, whenever it was recorded: of a closed period the same figures for good. */
  effectiveThrough: dateWire.exactOptional(),
  groupBy: z.enum(['kind', 'account']).default('kind'),
});

export const accountWire = z.strictObject({
  id: z.string(),
  object: z.literal('ledger_account'),
  kind: z.enum(kinds),
  ownerId: z.string().nullable(),
  currency: z.string(),
  normalSide: z.enum(['debit', 'credit']),
  balance: signedMoneyWire,
  test: z.boolean(),
});
export const accountList = listOf(accountWire);

export function presentAccount(account: AccountView, test: boolean): z.output<typeof accountWire> {
  return {
    id: account.id,
    object: 'ledger_account',
    kind: account.kind as AccountKind,
    ownerId: account.ownerId === '' ? null : account.ownerId,
    currency: account.currency,
    normalSide: account.normalSide,
    balance: { minor: account.balance, currency: account.currency },
    test,
  };
}

export const postingWire = z.strictObject({
  id: z.string(),
  object: z.literal('ledger_posting'),
  transferId: z.string(),
  kind: z.string(),
  line: z.int(),
  debitAccountId: z.string(),
  creditAccountId: z.string(),
  amount: moneyWire,
  causeType: z.string(),
  causeId: z.string(),
  correctsTransferId: z.string().nullable(),
  effectiveAt: instantWire,
  recordedAt: instantWire,
  test: z.boolean(),
});
export const postingList = listOf(postingWire);

/** A posting as its account shows it: what was on the account after it, on its normal side. */
const accountPostingWire = postingWire.extend({ runningBalance: signedMoneyWire });
export const accountPostingList = listOf(accountPostingWire);

export function presentPosting(posting: PostingView): z.output<typeof postingWire> {
  const { amount, currency, mode, ...rest } = posting;
  return { ...rest, object: 'ledger_posting', amount: { minor: amount, currency }, test: mode === 'test' };
}

export function presentAccountPosting(posting: PostingView, balance: bigint): z.output<typeof accountPostingWire> {
  return { ...presentPosting(posting), runningBalance: { minor: balance, currency: posting.currency } };
}

export const trialWire = z.strictObject({
  object: z.literal('ledger_trial_balance'),
  currency: z.string(),
  asOf: instantWire,
  effectiveThrough: dateWire.nullable(),
  test: z.boolean(),
  rows: z.array(
    z.strictObject({
      kind: z.string(),
      ownerId: z.string().nullable(),
      debit: moneyWire.nullable(),
      credit: moneyWire.nullable(),
    }),
  ),
  totalDebit: moneyWire,
  totalCredit: moneyWire,
  balanced: z.boolean(),
});

export function presentTrial(
  trial: TrialBalance,
  of: {
    readonly currency: CurrencyCode;
    readonly asOf: Instant;
    readonly effectiveThrough: LocalDate | null;
    readonly test: boolean;
  },
): z.output<typeof trialWire> {
  const { currency } = of;
  const money = (minor: bigint | null) => (minor === null ? null : { minor, currency });
  return {
    object: 'ledger_trial_balance',
    ...of,
    rows: trial.rows.map((row) => ({
      kind: row.kind,
      ownerId: row.ownerId === '' ? null : row.ownerId,
      debit: money(row.debit),
      credit: money(row.credit),
    })),
    totalDebit: { minor: trial.totalDebit, currency },
    totalCredit: { minor: trial.totalCredit, currency },
    balanced: trial.totalDebit === trial.totalCredit,
  };
}

export const traceWire = z.strictObject({
  object: z.literal('ledger_trace'),
  objectId: z.string(),
  steps: z.array(
    z.strictObject({
      type: z.string(),
      id: z.string(),
      at: instantWire.nullable(),
      amount: signedMoneyWire.nullable(),
      status: z.string().nullable(),
    }),
  ),
});

export const checkBody = z.strictObject({});
export const checkReply = z.array(
  z.strictObject({
    id: z.string(),
    name: z.string(),
    violations: z.int(),
    sample: z.array(z.record(z.string(), z.unknown())),
  }),
);
