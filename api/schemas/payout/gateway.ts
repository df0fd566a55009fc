import { z } from 'zod';
import type { FenceGap } from '../../../db/payout/restoreFence.js';
import type { GatewayView } from '../../../db/reads/payout/payoutView.js';
import type { Freeze } from '../../../db/reads/payout/payoutControls.js';
import type { Mode } from '../../../domain/act.js';
import type { CurrencyCode } from '../../../domain/money.js';
import {
  credentialFieldsOf,
  gatewayEnvironments,
  type GatewayPolicy,
  isConnectable,
  isUsable,
  methodTypesOf,
} from '../../../domain/payout/gateway.js';
import type { SandboxEntry } from '../../../domain/payout/sandboxJournal.js';
import type { PayoutSchedule } from '../../../domain/payout/payoutSchedule.js';
import { payoutMethodTypes } from '../../../domain/payout/payoutMethod.js';
import type { Instant } from '../../../domain/time.js';
import {
  currencyWire,
  durationWire,
  idWire,
  instantWire,
  listOf,
  moneyWire,
  nameText,
  objectFields,
  reasonText,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';

export const gatewayParams = z.strictObject({ gatewayId: text(64) });

export const gatewayWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('gateway'),
    adapter: z.string(),
    frozen: z.boolean(),
    frozenAt: instantWire.nullable(),
    frozenReason: z.string().nullable(),
    execution: z.enum(['gateway', 'manual']),
    methodTypes: z.array(z.enum(payoutMethodTypes)),
    /** Money may go through it now: what needs no credentials, and what has them. */
    connected: z.boolean(),
    /** Null: it needs none, or has none. Nothing of a secret is ever shown. */
    credentials: z
      .strictObject({
        environment: z.enum(gatewayEnvironments),
        account: z.string(),
        setAt: instantWire,
        triedAt: instantWire.nullable(),
        triedCode: z.string().nullable(),
      })
      .nullable(),
    /** What its credentials consist of; empty: it needs none. */
    credentialFields: z.array(z.strictObject({ name: z.string(), required: z.boolean() })),
    /** Where the provider sends its events; null for those that send none. */
    hookUrl: z.string().nullable(),
    cash: z.array(signedMoneyWire),
  })
  .openapi('Gateway');
export const gatewayList = listOf(gatewayWire);

export function presentGateway(
  gateway: GatewayView,
  of: { readonly hookUrl: (id: string) => string; readonly policy: GatewayPolicy; readonly mode: Mode },
): z.output<typeof gatewayWire> {
  const { connection } = gateway;
  const isReal = isConnectable(gateway.id);
  return {
    id: gateway.id,
    object: 'gateway',
    adapter: gateway.adapter,
    frozen: gateway.frozenAt !== null,
    frozenAt: gateway.frozenAt,
    frozenReason: gateway.frozenReason,
    execution: gateway.id === 'manual' ? 'manual' : 'gateway',
    methodTypes: [...methodTypesOf(gateway.id)],
    // In test mode no real one is: no test payout reaches it (BEY-31).
    connected: isReal
      ? connection !== null && of.mode === 'live'
      : gateway.id !== 'sandbox' || isUsable('sandbox', of.mode, of.policy),
    credentials:
      connection === null
        ? null
        : {
            environment: connection.environment,
            account: connection.account,
            setAt: connection.setAt,
            triedAt: connection.triedAt,
            triedCode: connection.triedCode,
          },
    credentialFields: isConnectable(gateway.id) ? credentialFieldsOf(gateway.id).map((field) => ({ ...field })) : [],
    hookUrl: gateway.id === 'manual' ? null : of.hookUrl(gateway.id),
    cash: gateway.cash.map((one) => ({ ...one })),
  };
}

/** As it was pasted: a public key has lines. */
const credentialText = z.string().min(1).max(4_000);

/** Write-only: a secret pasted here is never shown again. `credentials: null` disconnects. */
export const credentialsBody = z.strictObject({
  environment: z.enum(gatewayEnvironments).default('production'),
  credentials: z.record(text(64), credentialText).nullable(),
});

export const gatewayTestWire = z
  .strictObject({
    object: z.literal('gateway_test'),
    gatewayId: z.string(),
    ok: z.boolean(),
    code: z.enum(['wrong_credentials', 'not_permitted', 'other_account', 'no_answer', 'try_later']).nullable(),
    balances: z.array(signedMoneyWire),
    at: instantWire,
  })
  .openapi('GatewayTest');

export const journalEntryWire = z
  .strictObject({
    object: z.literal('gateway_journal_entry'),
    at: instantWire,
    requestKey: z.string(),
    account: z.string(),
    amount: moneyWire,
    outcome: z.enum(['paid', 'refused', 'returned']),
    providerId: z.string(),
    replay: z.boolean(),
  })
  .openapi('GatewayJournalEntry');
export const journalList = listOf(journalEntryWire);

export function presentJournalEntry(entry: SandboxEntry): z.output<typeof journalEntryWire> {
  return {
    object: 'gateway_journal_entry',
    at: entry.at as Instant,
    requestKey: entry.requestKey,
    account: entry.account,
    amount: { minor: BigInt(entry.amountMinor), currency: entry.currency as CurrencyCode },
    outcome: entry.outcome,
    providerId: entry.providerId,
    replay: entry.replay,
  };
}

export const fundingBody = z.strictObject({ amount: moneyWire, reference: text(200) });
export const fundingWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('gateway_funding'),
    gatewayId: z.string(),
    amount: moneyWire,
    reference: z.string(),
  })
  .openapi('GatewayFunding');

export const freezeBody = z.strictObject({
  frozen: z.boolean(),
  gatewayId: text(64).nullable().default(null),
  reason: reasonText,
});
export const freezeWire = z
  .strictObject({
    object: z.literal('payout_freeze'),
    frozen: z.boolean(),
    reasons: z.array(
      z.strictObject({
        scope: z.enum(['installation', 'workspace', 'gateway']),
        gatewayId: z.string().nullable(),
        at: instantWire,
        reason: z.string().nullable(),
      }),
    ),
  })
  .openapi('PayoutFreeze');

export function presentFreeze(
  freezes: readonly Freeze[],
  gateways: readonly GatewayView[],
  /** What a restore leaves to be read and settled; null: nothing was set back. */
  fence: { readonly restoredAt: Instant; readonly gaps: readonly FenceGap[] } | null,
): z.output<typeof freezeWire> {
  const reasons = [
    ...freezes.map((freeze) => ({ scope: freeze.scope, gatewayId: null, at: freeze.at, reason: freeze.reason })),
    ...gateways.flatMap((gateway) =>
      gateway.frozenAt === null
        ? []
        : [{ scope: 'gateway' as const, gatewayId: gateway.id, at: gateway.frozenAt, reason: gateway.frozenReason }],
    ),
    ...(fence === null
      ? []
      : fence.gaps.map((gap) => ({
          scope: 'gateway' as const,
          gatewayId: gap.gateway,
          at: fence.restoredAt,
          reason:
            gap.openDifferences > 0
              ? `restore_fence: ${gap.openDifferences} differences of its statement (${gap.mode}) are not settled`
              : `restore_fence: its statement (${gap.mode}) was not read since the restore`,
        }))),
  ];
  return { object: 'payout_freeze', frozen: reasons.length > 0, reasons };
}

export const scheduleParams = z.strictObject({ scheduleId: idWire('payoutSchedule') });
const calendarWire = z.discriminatedUnion('every', [
  // Hours 0 to 3 are not offered: a clock change may leave them out (temporal.md 6).
  z.strictObject({
    every: z.literal('week'),
    dayOfWeek: z.int().min(1).max(7),
    hour: z.int().min(4).max(23),
    minute: z.int().min(0).max(59),
  }),
  z.strictObject({
    every: z.literal('month'),
    dayOfMonth: z.int().min(1).max(28),
    hour: z.int().min(4).max(23),
    minute: z.int().min(0).max(59),
  }),
]);
const scheduleFields = {
  name: nameText,
  calendar: calendarWire,
  timeZone: text(64),
  currencies: z.array(currencyWire).max(200),
  programIds: z.array(idWire('program')).max(1_000),
  groupIds: z.array(text(64)).max(1_000),
  methodTypes: z.array(z.enum(payoutMethodTypes)),
  payAfter: durationWire.nullable(),
};
export const scheduleCreate = z.strictObject({
  ...scheduleFields,
  currencies: scheduleFields.currencies.default([]),
  programIds: scheduleFields.programIds.default([]),
  groupIds: scheduleFields.groupIds.default([]),
  methodTypes: scheduleFields.methodTypes.default([]),
  payAfter: scheduleFields.payAfter.default(null),
});
export const schedulePatch = z.strictObject({
  name: scheduleFields.name.exactOptional(),
  calendar: scheduleFields.calendar.exactOptional(),
  timeZone: scheduleFields.timeZone.exactOptional(),
  currencies: scheduleFields.currencies.exactOptional(),
  programIds: scheduleFields.programIds.exactOptional(),
  groupIds: scheduleFields.groupIds.exactOptional(),
  methodTypes: scheduleFields.methodTypes.exactOptional(),
  payAfter: scheduleFields.payAfter.exactOptional(),
});
export const scheduleWire = z
  .strictObject({
    ...objectFields('payoutSchedule', 'payout_schedule'),
    name: z.string(),
    calendar: calendarWire,
    timeZone: z.string(),
    currencies: z.array(z.string()),
    programIds: z.array(z.string()),
    groupIds: z.array(z.string()),
    methodTypes: z.array(z.string()),
    payAfter: durationWire.nullable(),
    paused: z.boolean(),
    ...versionFields,
  })
  .openapi('PayoutSchedule');
export const scheduleList = listOf(scheduleWire);

export function presentSchedule(schedule: PayoutSchedule): z.output<typeof scheduleWire> {
  return {
    id: schedule.id,
    object: 'payout_schedule',
    name: schedule.name,
    calendar: schedule.calendar,
    timeZone: schedule.timeZone,
    currencies: [...schedule.currencies],
    programIds: [...schedule.filter.programIds],
    groupIds: [...schedule.filter.groupIds],
    methodTypes: [...schedule.filter.methodTypes],
    payAfter: schedule.payAfter,
    paused: schedule.paused,
    version: schedule.version,
    createdAt: schedule.createdAt,
    updatedAt: schedule.updatedAt,
  };
}
