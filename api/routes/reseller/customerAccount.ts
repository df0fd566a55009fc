import {
  correctCustomer,
  lockCustomer,
  openCustomerAccount,
  switchCustomerAccount,
} from '../../../activities/reseller/customerAccount.js';
import {
  getCustomerAccountView,
  listCustomerAccounts,
  listCustomerSubscriptions,
} from '../../../db/reads/reseller/customerAccountList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import {
  type Contact,
  findContact,
  findContactByEmail,
  findOrInsertContact,
  lockContact,
} from '../../../db/tracking/contact.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import {
  customerAccountActions,
  type CustomerAccountEvent,
  decideCustomerAccountMove,
} from '../../../domain/reseller/customerAccount.js';
import { randomToken } from '../../../platform/secrets.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  customerAccountCreate,
  customerAccountList,
  customerAccountParams,
  customerAccountPatch,
  customerAccountQuery,
  customerAccountWire,
  presentCustomerAccount,
} from '../../schemas/reseller/customerAccount.js';
import { decisionBody, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { decideHere, fieldRefusal } from '../program/directDecision.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode' | 'scope'>;

const readerOf = (ctx: Asking) => ({ seesPeople: ctx.can('pii.read'), mayWrite: ctx.can('contact.write') });

async function show(ctx: Asking, tx: ReadTx | Tx, id: string) {
  const view = await getCustomerAccountView(tx, ctx.scope, ctx.mode, id);
  return presentCustomerAccount(view, await listCustomerSubscriptions(tx, ctx.mode, [view.contactId]), readerOf(ctx));
}

/** Account and person, locked, as far as the caller may see them. */
async function lockScoped(ctx: Asking, tx: Tx, id: string) {
  const { contactId } = await getCustomerAccountView(tx, ctx.scope, ctx.mode, id);
  const customer = await lockCustomer(tx, { mode: ctx.mode, id, contactId });
  if (customer === undefined) throw new DomainError('resource.not_found');
  return customer;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/customer-accounts',
  summary: 'Customers with an account: who brought them, and what they pay for',
  permission: 'contact.read',
  query: customerAccountQuery,
  reply: customerAccountList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const { views, subscriptions } = await ctx.read(async (tx) => {
      const found = await listCustomerAccounts(tx, ctx.scope, ctx.mode, ctx.query, page);
      const people = found.map((view) => view.contactId);
      return { views: found, subscriptions: await listCustomerSubscriptions(tx, ctx.mode, people) };
    });
    return ctx.list(
      views,
      page,
      (view) => presentCustomerAccount(view, subscriptions, readerOf(ctx)),
      (view) => ({ value: view.createdAt, id: view.id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/customer-accounts/:customerAccountId',
  permission: 'contact.read',
  params: customerAccountParams,
  reply: customerAccountWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) => ctx.read((tx) => show(ctx, tx, ctx.params.customerAccountId)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/customer-accounts',
  summary: 'Open an account; its owner is mailed a one-time link to choose a password',
  permission: 'contact.write',
  body: customerAccountCreate,
  reply: customerAccountWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const { body } = ctx;
        const contact = await personOf(tx, act, body);
        if (contact.email === null)
          throw fieldRefusal(
            'contactId',
            'required',
            'The contact has no e-mail: there is nobody to send the link to.',
          );
        const { account, isNew } = await openCustomerAccount(tx, act, {
          contactId: contact.id,
          email: contact.email,
          language: body.language ?? 'en',
          token: randomToken(),
          linkBase: config.http.publicUrl,
          metadata: body.metadata ?? {},
        });
        if (!isNew)
          throw new DomainError('resource.already_exists', {
            field: body.contactId === undefined ? 'email' : 'contactId',
            existingId: account.id,
          });
        return answer(await show(askingAll(ctx), tx, account.id), {
          location: `/v1/customer-accounts/${account.id}`,
        });
      },
      { wake: true },
    ),
});

/** Whoever may open an account sees the one they opened. */
function askingAll(ctx: Asking): Asking {
  return { can: (permission) => ctx.can(permission), mode: ctx.mode, scope: { kind: 'workspace' } };
}

/** The contact, locked: two at once open one account. A person known by the address keeps what is known of them. */
async function personOf(
  tx: Tx,
  act: Act,
  body: {
    readonly contactId?: string;
    readonly email?: string;
    readonly name?: string | null;
    readonly phone?: string | null;
    readonly company?: string | null;
    readonly country?: string | null;
  },
): Promise<Contact> {
  const { contactId, email = null, name = null, phone = null, company = null, country = null } = body;
  const found =
    contactId === undefined
      ? await findOrInsertContact(tx, act, { id: act.newId('contact'), name, email, phone, company, country })
      : await findContact(tx, contactId);
  const contact = found === undefined ? undefined : await lockContact(tx, found.id);
  if (contact === undefined) throw fieldRefusal('contactId', 'not_found', 'There is no such contact.');
  return contact;
}

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/customer-accounts/:customerAccountId',
  summary: 'Correct the person behind the account, or its metadata',
  permission: 'contact.write',
  params: customerAccountParams,
  body: customerAccountPatch,
  reply: customerAccountWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const customer = await lockScoped(ctx, tx, ctx.params.customerAccountId);
      ctx.requireVersion(customer.account.version);
      const { metadata, ...person } = ctx.body;
      const known = typeof person.email === 'string' ? await findContactByEmail(tx, person.email) : undefined;
      if (known !== undefined && known.id !== customer.contact.id)
        throw new DomainError('resource.already_exists', { field: 'email', existingId: known.id });
      await correctCustomer(tx, act, customer, { person, ...(metadata === undefined ? {} : { metadata }) });
      return show(ctx, tx, customer.account.id);
    }),
});

function moveRoute(
  verb: 'suspend' | 'resume',
  event: CustomerAccountEvent,
  body: typeof decisionBody | typeof negativeDecisionBody,
): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/customer-accounts/:customerAccountId/${verb}`,
    permission: 'contact.write',
    params: customerAccountParams,
    body,
    reply: customerAccountWire,
    refuses: ['resource.not_found', 'access.not_in_scope', 'customer_account.already_decided'],
    handle: (ctx) =>
      ctx.write(async (tx, act) => {
        const { account } = await lockScoped(ctx, tx, ctx.params.customerAccountId);
        const effect = await decideHere(ctx, tx, act, {
          verb,
          objectType: 'customer_account',
          objectId: account.id,
          decided: decideCustomerAccountMove(account.status, event),
          allowedActions: customerAccountActions(account.status),
          reason: reasonOf(ctx.body),
        });
        await switchCustomerAccount(tx, effect, account, event);
        return show(ctx, tx, account.id);
      }),
  });
}

export const customerAccountRoutes: readonly Route[] = [
  list,
  get,
  create,
  edit,
  moveRoute('suspend', 'suspended', negativeDecisionBody),
  moveRoute('resume', 'resumed', decisionBody),
];
