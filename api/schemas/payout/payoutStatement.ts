import { z } from 'zod';
import type { StatementLine, StatementParties, StatementState } from '../../../db/reads/payout/payoutStatement.js';
import type { PayoutView } from '../../../db/reads/payout/payoutView.js';
import { dateIn } from '../../../domain/calendar.js';
import { formatMoney, type Money } from '../../../domain/money.js';
import { payoutTransitions } from '../../../domain/payout/payout.js';
import { explainStatementLine, statementTotals } from '../../../domain/payout/payoutStatement.js';
import { epochMs, type Instant } from '../../../domain/time.js';
import { statusesOf } from '../../../domain/transitions.js';
import { toCsv } from '../../../platform/csv.js';
import type { PdfList } from '../../../platform/pdf.js';
import { asOfParameter } from '../../asOf.js';
import { dateWire, idWire, instantWire, moneyWire, signedMoneyWire } from '../wire.js';

const statuses = statusesOf(payoutTransitions) as ['draft', 'pending', 'paid', 'cancelled'];

/** `csv` and `pdf` answer a file; without it the statement is JSON. */
export const statementQuery = z.strictObject({
  format: z.enum(['json', 'csv', 'pdf']).exactOptional(),
  ...asOfParameter,
});

export const statementWire = z
  .strictObject({
    object: z.literal('payout_statement'),
    payoutId: idWire('payout'),
    status: z.enum(statuses),
    workspace: z.string(),
    affiliate: z.strictObject({ id: idWire('affiliate'), name: z.string(), company: z.string().nullable() }),
    currency: z.string(),
    amount: moneyWire,
    method: z.strictObject({ type: z.string(), masked: z.string().nullable() }),
    reference: z.string().nullable(),
    paidOn: dateWire.nullable(),
    dueOn: dateWire.nullable(),
    returned: z.strictObject({ at: instantWire, amount: moneyWire }).nullable(),
    /** Staff only: where one person alone approved it, the paper says so. */
    secondPerson: z.enum(['other_person', 'single_person']).nullable(),
    lines: z.array(
      z.strictObject({
        commissionId: idWire('commission'),
        kind: z.string(),
        level: z.int(),
        programId: idWire('program'),
        program: z.string(),
        saleReference: z.string().nullable(),
        customerReference: z.string().nullable(),
        occurredAt: instantWire,
        explanation: z.string(),
        amount: signedMoneyWire,
      }),
    ),
    totals: z.strictObject({ gross: moneyWire, corrections: signedMoneyWire, net: moneyWire }),
    timeZone: z.string(),
    test: z.boolean(),
  })
  .openapi('PayoutStatement');
export type Statement = z.output<typeof statementWire>;

/** The payout as it stood: what came later is not known yet, and its amount is that of the lines of then. */
export function stoodAs(payout: PayoutView, state: StatementState, asOf: Instant): PayoutView {
  const isPaid = state.status === 'paid';
  return {
    ...payout,
    ...state,
    reference: isPaid ? payout.reference : null,
    paidOn: isPaid ? payout.paidOn : null,
    returned: payout.returned !== null && payout.returned.at <= asOf ? payout.returned : null,
  };
}

export function presentStatement(
  payout: PayoutView,
  of: {
    readonly parties: StatementParties;
    readonly lines: readonly StatementLine[];
    readonly timeZone: string;
    readonly isAffiliate: boolean;
  },
): Statement {
  const { currency } = payout;
  const totals = statementTotals(
    currency,
    of.lines.map((line) => line.amountMinor),
  );
  return {
    object: 'payout_statement',
    payoutId: payout.id,
    status: payout.status,
    workspace: of.parties.workspace,
    affiliate: { id: payout.affiliateId, name: of.parties.affiliate, company: of.parties.company },
    currency,
    amount: totals.net,
    method: { type: payout.methodType, masked: payout.methodMasked },
    reference: payout.reference,
    paidOn: payout.paidOn,
    dueOn: payout.dueOn,
    returned:
      payout.returned === null
        ? null
        : { at: payout.returned.at, amount: { minor: BigInt(payout.returned.amountMinor), currency } },
    secondPerson: of.isAffiliate ? null : payout.secondPerson,
    lines: of.lines.map((line) => {
      // A recruit's sale is paid to its recruiter, but whose it was is not the recruiter's to know (api.md 17).
      const isHidden = of.isAffiliate && line.level !== 1;
      return {
        commissionId: line.commissionId,
        kind: line.kind,
        level: line.level,
        programId: line.programId,
        program: line.program,
        saleReference: isHidden ? null : line.externalId,
        customerReference: isHidden || line.contactId === null ? null : `C-${line.contactId.slice(-6)}`,
        occurredAt: line.occurredAt,
        explanation: explainStatementLine(line),
        amount: { minor: line.amountMinor, currency },
      };
    }),
    totals,
    timeZone: of.timeZone,
    test: payout.mode === 'test',
  };
}

const amountOf = (money: Money): string => formatMoney(money).amount;
const textOf = (money: Money): string => `${formatMoney(money).amount} ${money.currency}`;

/** A line per commission; what is the same in all of them stands in each, so that files can be put together. */
export function statementCsv(statement: Statement): string {
  return toCsv(
    [
      'payoutId',
      'status',
      'paidOn',
      'reference',
      'affiliateId',
      'commissionId',
      'kind',
      'level',
      'program',
      'saleReference',
      'customerReference',
      'occurredAt',
      'explanation',
      'amount',
      'currency',
    ],
    statement.lines.map((line) => [
      statement.payoutId,
      statement.status,
      statement.paidOn,
      statement.reference,
      statement.affiliate.id,
      line.commissionId,
      line.kind,
      String(line.level),
      line.program,
      line.saleReference,
      line.customerReference,
      line.occurredAt,
      line.explanation,
      amountOf(line.amount),
      statement.currency,
    ]),
  );
}

const statusWords: Readonly<Record<Statement['status'], string>> = {
  draft: 'Draft: nothing has been paid',
  pending: 'On its way',
  paid: 'Paid',
  cancelled: 'Cancelled: nothing was paid',
};
const kindWords: Readonly<Record<string, string>> = {
  earned: 'Commission',
  bonus: 'Bonus',
  adjustment: 'Correction',
  clawback: 'Taken back',
  payout_return: 'Payment that came back',
  late_payment: 'Paid earlier',
  write_off: 'Debt written off',
};

/** The same statement as a sheet of paper. */
export function statementPdf(statement: Statement): PdfList {
  const { affiliate } = statement;
  const facts: readonly (readonly [string, string | null])[] = [
    ['From', statement.workspace],
    ['To', affiliate.company === null ? affiliate.name : `${affiliate.name}, ${affiliate.company}`],
    ['Payout', statement.payoutId],
    ['Status', statusWords[statement.status]],
    ['Paid on', statement.paidOn],
    ['Expected on', statement.status === 'paid' ? null : statement.dueOn],
    ['Reference', statement.reference],
    ['Paid to', `${statement.method.type} ${statement.method.masked ?? ''}`.trimEnd()],
    ['Amount', textOf(statement.amount)],
    ['Approved by', statement.secondPerson === 'single_person' ? 'a single person (single_person)' : null],
  ];
  const notes = [
    ...(statement.test ? ['Test payout: no money has moved.'] : []),
    ...(statement.returned === null
      ? []
      : [
          `${textOf(statement.returned.amount)} came back on ${dateIn(statement.timeZone, statement.returned.at)} and is owed again.`,
        ]),
  ];
  return {
    title: 'Payout statement',
    language: 'en',
    facts: facts.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const])),
    notes,
    columns: [
      { title: `Date (${statement.timeZone})`, align: 'left', width: 'auto' },
      { title: 'For', align: 'left', width: 'auto' },
      { title: 'Why this amount', align: 'left', width: '*' },
      { title: statement.currency, align: 'right', width: 'auto' },
    ],
    rows: statement.lines.map((line) => [
      dateIn(statement.timeZone, line.occurredAt),
      [
        line.level > 1
          ? `${kindWords[line.kind] ?? line.kind}, level ${line.level}`
          : (kindWords[line.kind] ?? line.kind),
        line.saleReference,
        line.customerReference,
      ]
        .filter((one) => one !== null)
        .join('\n'),
      `${line.program}: ${line.explanation}`,
      amountOf(line.amount),
    ]),
    totals: [
      ['Earned', textOf(statement.totals.gross)],
      ['Taken back', textOf(statement.totals.corrections)],
      [statement.status === 'paid' ? 'Paid' : 'To be paid', textOf(statement.totals.net)],
    ],
    footer: `${statement.workspace} · ${statement.payoutId}`,
    createdMs: Math.max(0, ...statement.lines.map((line) => epochMs(line.occurredAt))),
  };
}
