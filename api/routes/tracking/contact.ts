import { mergeContacts, overrideReferrer } from '../../../activities/tracking/contact.js';
import { recordDirectDecision } from '../../../db/audit/directDecision.js';
import { listSales } from '../../../db/reads/earning/saleList.js';
import {
  getContactView,
  listContactReferrals,
  listContacts,
  listContactTouches,
} from '../../../db/reads/tracking/contactList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import {
  type Contact,
  findContactByEmail,
  findOrInsertContact,
  lockContact,
  updateContact,
} from '../../../db/tracking/contact.js';
import { DomainError } from '../../../domain/errors.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { presentSale, saleList } from '../../schemas/earning/sale.js';
import {
  contactCreate,
  contactList,
  contactPageQuery,
  contactParams,
  contactPatch,
  contactQuery,
  contactTouchList,
  contactWire,
  mergeBody,
  presentContact,
  presentContactTouch,
  referrerBody,
} from '../../schemas/tracking/contact.js';
import { requireEarner } from '../earning/earner.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode' | 'scope'>;

async function show(ctx: Asking, tx: ReadTx | Tx, id: string) {
  const contact = await getContactView(tx, ctx.scope, ctx.mode, id);
  const referrals = await listContactReferrals(tx, ctx.mode, [contact.id]);
  return presentContact(contact, referrals, { seesPeople: ctx.can('pii.read') });
}

/** The contact, locked; one that ended as part of another is no longer there to be changed. */
async function lockScoped(ctx: Asking, tx: Tx, id: string): Promise<Contact> {
  const view = await getContactView(tx, ctx.scope, ctx.mode, id);
  const contact = await lockContact(tx, view.id);
  if (contact === undefined) throw new DomainError('resource.not_found');
  if (view.mergedIntoId !== null)
    throw new DomainError('contact.transition_not_allowed', { currentStatus: 'merged', allowedActions: [] });
  return contact;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/contacts',
  permission: 'contact.read',
  query: contactQuery,
  reply: contactList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const seesPeople = ctx.can('pii.read');
    const { contacts, referrals } = await ctx.read(async (tx) => {
      const found = await listContacts(tx, ctx.scope, ctx.mode, ctx.query, page);
      const ids = found.map((contact) => contact.id);
      return { contacts: found, referrals: await listContactReferrals(tx, ctx.mode, ids) };
    });
    return ctx.list(
      contacts,
      page,
      (contact) =>
        presentContact(
          contact,
          referrals.filter((referral) => referral.contactId === contact.id),
          { seesPeople },
        ),
      (contact) => ({ value: contact.createdAt, id: contact.id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/contacts/:contactId',
  permission: 'contact.read',
  params: contactParams,
  reply: contactWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) => ctx.read((tx) => show(ctx, tx, ctx.params.contactId)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/contacts',
  permission: 'contact.write',
  body: contactCreate,
  reply: contactWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { name = null, email = null, phone = null, company = null, country = null } = ctx.body;
      const known = email === null ? undefined : await findContactByEmail(tx, email);
      if (known !== undefined)
        throw new DomainError('resource.already_exists', { field: 'email', existingId: known.id });
      const id = act.newId('contact');
      const contact = await findOrInsertContact(tx, act, { id, name, email, phone, company, country });
      if (contact.id !== id)
        throw new DomainError('resource.already_exists', { field: 'email', existingId: contact.id });
      const view = await getContactView(tx, { kind: 'workspace' }, ctx.mode, id);
      return answer(presentContact(view, [], { seesPeople: ctx.can('pii.read') }), { location: `/v1/contacts/${id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/contacts/:contactId',
  permission: 'contact.write',
  params: contactParams,
  body: contactPatch,
  reply: contactWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'resource.already_exists', 'contact.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const contact = await lockScoped(ctx, tx, ctx.params.contactId);
      ctx.requireVersion(contact.version);
      const { email } = ctx.body;
      const known = typeof email === 'string' ? await findContactByEmail(tx, email) : undefined;
      if (known !== undefined && known.id !== contact.id)
        throw new DomainError('resource.already_exists', { field: 'email', existingId: known.id });
      await updateContact(tx, act, contact, ctx.body);
      return show(ctx, tx, contact.id);
    }),
});

const touches = defineRoute({
  method: 'GET',
  path: '/v1/contacts/:contactId/touches',
  summary: 'Every click and form of every affiliate',
  permission: 'contact.read',
  params: contactParams,
  query: contactPageQuery,
  reply: contactTouchList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const rows = await ctx.read(async (tx) => {
      const contact = await getContactView(tx, ctx.scope, ctx.mode, ctx.params.contactId);
      return listContactTouches(tx, ctx.mode, contact.id, page);
    });
    return ctx.list(rows, page, presentContactTouch, (touch) => ({ value: touch.at, id: touch.id }));
  },
});

const sales = defineRoute({
  method: 'GET',
  path: '/v1/contacts/:contactId/sales',
  summary: 'Purchases, declines and refunds of this person',
  permission: 'contact.read',
  params: contactParams,
  query: contactPageQuery,
  reply: saleList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const rows = await ctx.read(async (tx) => {
      const contact = await getContactView(tx, ctx.scope, ctx.mode, ctx.params.contactId);
      return listSales(
        tx,
        { kind: 'workspace' },
        ctx.mode,
        { contactId: [contact.id] },
        { ...page, sort: 'createdAt' },
      );
    });
    return ctx.list(
      rows,
      page,
      (view) => presentSale(view, []),
      ({ sale }) => ({ value: sale.createdAt, id: sale.id }),
    );
  },
});

const referrer = defineRoute({
  method: 'POST',
  path: '/v1/contacts/:contactId/referrer',
  summary: 'Name another first or last referrer in a program; audited',
  permission: 'referrer.override',
  params: contactParams,
  body: referrerBody,
  reply: contactWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'contact.transition_not_allowed',
    'affiliate.affiliate_not_active',
  ],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { programId, which, affiliateId, reason } = ctx.body;
        const contact = await lockScoped(ctx, tx, ctx.params.contactId);
        await requireEarner(tx, { affiliateId, programId });
        const by = await recordDirectDecision(tx, act, {
          verb: 'override_referrer',
          objectType: 'contact',
          objectId: contact.id,
          reasonCode: 'staff_decision',
          note: reason,
          publicReason: null,
          params: { programId, which, affiliateId },
          steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
        });
        await overrideReferrer(tx, by, contact, { programId, which, affiliateId });
        return show(ctx, tx, contact.id);
      },
      { wake: true },
    ),
});

const merge = defineRoute({
  method: 'POST',
  path: '/v1/contacts/:contactId/merge',
  summary: 'Join two contacts that are one person',
  permission: 'contact.write',
  params: contactParams,
  body: mergeBody,
  reply: contactWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'contact.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { intoContactId, reason } = ctx.body;
        if (intoContactId === ctx.params.contactId)
          throw invalid({ pointer: '#/intoContactId', code: 'not_allowed_here', detail: 'Name another contact.' });
        // In the order of ids, so that two merges of the same people wait for each other.
        const locked = new Map<string, Contact>();
        for (const id of [ctx.params.contactId, intoContactId].sort()) locked.set(id, await lockScoped(ctx, tx, id));
        const [from, into] = [locked.get(ctx.params.contactId), locked.get(intoContactId)];
        if (from === undefined || into === undefined) throw new DomainError('resource.not_found');
        const by = await recordDirectDecision(tx, act, {
          verb: 'merge',
          objectType: 'contact',
          objectId: from.id,
          reasonCode: 'staff_decision',
          note: reason,
          publicReason: null,
          params: { intoContactId },
          steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
        });
        await mergeContacts(tx, by, from, into);
        return show(ctx, tx, into.id);
      },
      { wake: true },
    ),
});

export const contactRoutes: readonly Route[] = [list, get, create, edit, touches, sales, referrer, merge];
