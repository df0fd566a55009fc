import { journeyFor } from '../../../activities/tracking/click.js';
import { recordDirectDecision } from '../../../db/audit/directDecision.js';
import { lockSale, updateSale, upsertExternalCustomer } from '../../../db/earning/sale.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findProgram } from '../../../db/program/program.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import { findAffiliateProgram } from '../../../db/reads/earning/saleProgram.js';
import { getSaleView } from '../../../db/reads/earning/saleList.js';
import type { Tx } from '../../../db/transaction.js';
import { findContactByEmail, findOrInsertContact, lockContact } from '../../../db/tracking/contact.js';
import type { Act } from '../../../domain/act.js';
import { decideSaleAttribution, type Sale } from '../../../domain/earning/sale.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import type { ContactId } from '../../../domain/ids.js';
import { addDuration } from '../../../domain/time.js';
import { signalReferral } from '../../../workflows/contract.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  presentSale,
  saleAttributeBody,
  type SaleAttributeBody,
  saleParams,
  type SaleReply,
  saleWire,
} from '../../schemas/earning/sale.js';
import { reasonOf } from '../../schemas/wire.js';
import { requireEarner } from './earner.js';
import { saleActions } from './sale.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller' | 'mode' | 'scope'> & {
  readonly params: { readonly saleId: string };
  readonly body: SaleAttributeBody;
};

const attributeSale = defineRoute({
  method: 'POST',
  path: '/v1/sales/:saleId/attribute',
  summary: 'Give an unattributed sale to an affiliate',
  permission: 'sale.attribute',
  params: saleParams,
  body: saleAttributeBody,
  reply: saleWire,
  refuses: [
    'resource.not_found',
    'resource.already_exists',
    'sale.already_decided',
    'sale.transition_not_allowed',
    'sale.currency_mismatch',
    'affiliate.affiliate_not_active',
  ],
  handle: (ctx) => ctx.write((tx, act) => attribute(ctx, tx, act), { wake: true }),
});

/**
 * Staff name whom a sale credits (TRK-27), as they do for a lead: a touch of the sale's own time, so that window and terms are those of then; a
 * referral opens as `pending` and its workflow judges the sale as if it had come with a click. What happened to the sale meanwhile (refunds,
 * disputes) its lines lose or wait for. Twice is `sale.already_decided`; a contact whose referral in the program credits somebody else is
 * `resource.already_exists`: that referral is the one to decide on.
 */
async function attribute(ctx: Asking, tx: Tx, act: Act): Promise<SaleReply> {
  const { affiliateId } = ctx.body;
  const { sale: seen } = await getSaleView(tx, ctx.scope, ctx.mode, ctx.params.saleId);
  if (seen.contactId !== null) await lockContact(tx, seen.contactId); // contact before sale (money.md 9)
  const sale = await lockSale(tx, seen.id);
  assertInvariant(sale !== undefined, 'a sale that was read is there', { saleId: seen.id });
  const refusal = decideSaleAttribution(sale);
  if (refusal !== null)
    throw new DomainError(refusal.code, {
      ...refusal.params,
      allowedActions: saleActions(ctx, { sale, hasOpenLines: false }),
    });
  const products = sale.lines.flatMap((line) => line.product ?? line.productId ?? []);
  const programId =
    ctx.body.programId ??
    sale.programId ??
    (await findAffiliateProgram(tx, { affiliateId, occurredAt: sale.occurredAt, products }));
  const program = programId === null ? undefined : await findProgram(tx, programId);
  if (programId === null || program === undefined)
    throw invalid({
      pointer: '#/programId',
      code: programId === null ? 'required' : 'not_found',
      detail: programId === null ? 'The sale names no program: say which.' : 'There is no such program.',
    });
  if (program.currency !== sale.currency)
    throw new DomainError('sale.currency_mismatch', { expectedCurrency: program.currency });
  await requireEarner(tx, { affiliateId, programId: program.id });
  const by = await recordDirectDecision(tx, act, {
    verb: 'attribute',
    objectType: 'sale',
    objectId: sale.id,
    ...reasonOf(ctx.body),
    params: { affiliateId, programId: program.id },
    steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
  });
  const contactId = sale.contactId ?? (await customerOf(tx, by, sale));
  const { attributionWindow } = await readReferralTerms(tx, program.id);
  const journey = await journeyFor(tx, by, {
    programId: program.id,
    taken: undefined,
    ownTouch: {
      kind: 'manual',
      sourceId: sale.id,
      affiliateId,
      linkId: null,
      sub1: sale.sub1,
      occurredAt: sale.occurredAt,
      endsAt: addDuration(sale.occurredAt, attributionWindow),
    },
    fact: { kind: 'sale', id: sale.id, occurredAt: sale.occurredAt, contactId, coupon: null },
  });
  assertInvariant(journey !== undefined, 'a touch makes a journey', { saleId: sale.id });
  if (journey.affiliateId !== affiliateId)
    throw new DomainError('resource.already_exists', { field: 'contactId', existingId: journey.id });
  await updateSale(tx, by, sale, 'attributedByHand', {
    referralId: journey.id,
    contactId,
    programId: program.id,
    attributionCode: null,
    noCommissionCode: null,
    processedAt: null,
    outcome: null,
  });
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: journey.id }, 'saleReported', { saleId: sale.id }),
  );
  const view = await getSaleView(tx, ctx.scope, ctx.mode, sale.id);
  return presentSale(view, saleActions(ctx, view));
}

/** A sale that named a coupon only has no person yet: whom its e-mail names, else somebody without a name. */
async function customerOf(tx: Tx, act: Act, sale: Sale): Promise<ContactId> {
  const known = sale.customerEmail === null ? undefined : await findContactByEmail(tx, sale.customerEmail);
  const contact =
    known ??
    (await findOrInsertContact(tx, act, {
      id: act.newId('contact'),
      name: null,
      email: sale.customerEmail,
      phone: null,
      company: null,
      country: null,
    }));
  await lockContact(tx, contact.id);
  if (sale.customerExternalId !== null) await upsertExternalCustomer(tx, act, sale.customerExternalId, contact.id);
  return contact.id;
}

export const saleAttributionRoutes: readonly Route[] = [attributeSale];
