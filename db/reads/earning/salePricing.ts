import { findProductsByName, listCommissionableProducts } from '../../program/commissionPlan.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { lineDifference, type SaleLine, spreadOverLines } from '../../../domain/earning/sale.js';
import { DomainError } from '../../../domain/errors.js';
import { type UnstatedPart, unstatedParts } from '../../../domain/program/planEvent.js';
import { type CurrencyCode, formatMoney, type Money } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';

type MaybeMoney = Money | null | undefined;

/** The money of a sale as it was sent (api.md 8.3). */
export interface ReportedMoney {
  readonly amount: Money;
  readonly tax?: MaybeMoney;
  readonly fees?: MaybeMoney;
  readonly shipping?: MaybeMoney;
  readonly deposit?: MaybeMoney;
  readonly product?: string | null | undefined;
  readonly quantity?: number | null | undefined;
  readonly lines?:
    | readonly {
        readonly product?: string | null | undefined;
        readonly quantity: number;
        readonly amount: Money;
        readonly tax?: MaybeMoney;
        readonly fees?: MaybeMoney;
        readonly shipping?: MaybeMoney;
      }[]
    | null
    | undefined;
}

/**
 * The lines of a sale, priced: what is given for the sale only is spread over its lines; products by id or sku, or the program's only one.
 * Codes: sale.lines_do_not_sum with the difference, sale.currency_mismatch.
 */
export async function priceLines(
  tx: ReadTx | Tx,
  sale: ReportedMoney,
  /** Of which program, if that is known, and when it was sold. */
  of: { readonly programId: string | null; readonly at: Instant },
): Promise<readonly SaleLine[]> {
  const { currency, minor } = sale.amount;
  const sent = sale.lines ?? [{ product: sale.product, quantity: sale.quantity ?? 1, amount: sale.amount }];
  const own = [sale.amount, sale.tax, sale.fees, sale.shipping, sale.deposit];
  for (const money of [...own, ...sent.flatMap((line) => [line.amount, line.tax, line.fees, line.shipping])]) {
    if (money !== null && money !== undefined && money.currency !== currency)
      throw new DomainError('sale.currency_mismatch', { expectedCurrency: currency });
  }
  const difference = lineDifference(
    minor,
    sent.map((line) => ({ amount: line.amount.minor })),
  );
  if (difference !== null)
    throw new DomainError('sale.lines_do_not_sum', { difference: formatMoney({ minor: difference, currency }) });

  const products = await findProductsByName(tx, [...new Set(sent.flatMap((line) => line.product ?? []))]);
  const { only } = of.programId === null ? { only: null } : await listCommissionableProducts(tx, of.programId, of.at);
  const spread = {
    tax: spreadMissing(currency, sale.tax, sent, 'tax'),
    fees: spreadMissing(currency, sale.fees, sent, 'fees'),
    shipping: spreadMissing(currency, sale.shipping, sent, 'shipping'),
    deposit: spreadOverLines(
      sale.deposit ?? { minor: 0n, currency },
      sent.map((line) => line.amount.minor),
    ),
  };
  return sent.map((line, index) => {
    const name = line.product ?? null;
    const found = name === null ? only : products.get(name);
    return {
      product: name,
      productId: found ?? null,
      quantity: line.quantity,
      amount: line.amount.minor,
      tax: spread.tax[index] ?? 0n,
      fees: spread.fees[index] ?? 0n,
      shipping: spread.shipping[index] ?? 0n,
      deposit: spread.deposit[index] ?? 0n,
      unstated: unstatedParts.filter((part) => !isStated(sale, sent, index, part)),
      code: null,
    };
  });
}

/** Does the sale say this part of one of its lines: by the line itself, or for the whole where no line says any? */
function isStated(
  sale: ReportedMoney,
  lines: readonly { readonly tax?: MaybeMoney; readonly fees?: MaybeMoney; readonly shipping?: MaybeMoney }[],
  index: number,
  part: UnstatedPart,
): boolean {
  if (part === 'deposit') return sale.deposit != null;
  const stated = lines.map((line) => line[part] ?? null);
  return stated.some((money) => money !== null) ? stated[index] !== null : sale[part] != null;
}

/** What lines state themselves stays; a sum for the whole sale is spread by amount when no line states any. */
function spreadMissing(
  currency: CurrencyCode,
  whole: MaybeMoney,
  lines: readonly {
    readonly amount: Money;
    readonly tax?: MaybeMoney;
    readonly fees?: MaybeMoney;
    readonly shipping?: MaybeMoney;
  }[],
  field: 'tax' | 'fees' | 'shipping',
): readonly bigint[] {
  const stated = lines.map((line) => line[field] ?? null);
  if (stated.some((money) => money !== null)) return stated.map((money) => money?.minor ?? 0n);
  return spreadOverLines(
    whole ?? { minor: 0n, currency },
    lines.map((line) => line.amount.minor),
  );
}
