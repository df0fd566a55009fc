import {
  addRuleVersion,
  beginOfRule,
  endRule,
  findRule,
  insertRule,
  isEnded,
  listCommissionableProducts,
  listRulesOfPlace,
  listRuleVersions,
  lockPlan,
  lockRule,
  type RuleRecord,
  type RuleSpan,
} from '../../../db/program/commissionPlan.js';
import { findProduct } from '../../../db/program/product.js';
import { findProgram } from '../../../db/program/program.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { findGroup } from '../../../db/affiliate/group.js';
import { readPlanInput } from '../../../db/reads/earning/planInput.js';
import { priceLines } from '../../../db/reads/earning/salePricing.js';
import { findSaleView } from '../../../db/reads/earning/saleList.js';
import { listRules } from '../../../db/reads/program/commissionRuleList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { findCouponByCode } from '../../../db/tracking/coupon.js';
import { explainLine } from '../../../domain/earning/explanation.js';
import type { Sale } from '../../../domain/earning/sale.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId, RuleId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Rule, RulePlace, RuleTerms } from '../../../domain/program/commissionPlan.js';
import { evaluatePlan } from '../../../domain/program/planEvaluation.js';
import { noAmount, type PlanEvent, type PricedLine } from '../../../domain/program/planEvent.js';
import { isClosedTo } from '../../../domain/program/program.js';
import { type RuleConflict, ruleConflicts } from '../../../domain/program/ruleConflicts.js';
import type { Instant } from '../../../domain/time.js';
import { couponProblem } from '../../../domain/tracking/coupon.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  placeOf,
  presentRule,
  quoteBody,
  quoteReply,
  ruleCreate,
  ruleList,
  ruleParams,
  rulePatch,
  ruleQuery,
  ruleVersions,
  ruleWire,
  termsOf,
} from '../../schemas/program/commissionRule.js';
import { noContent } from '../../schemas/wire.js';
import { fieldRefusal } from './directDecision.js';
import { draftMeetings, withoutNewMeetings } from './ruleMeeting.js';

/** Refuses what contradicts itself, its program, another rule of the same place or those it would pay a sale with (RUL-18). */
export async function checkRule(
  tx: ReadTx | Tx,
  rule: RulePlace & { readonly terms: RuleTerms; readonly name: string },
  { except, ...span }: RuleSpan & { readonly except: RuleId | null },
): Promise<void> {
  const program = rule.programId === null ? null : await findProgram(tx, rule.programId);
  if (program === undefined) throw fieldRefusal('programId', 'not_found', 'No such program.');
  if (rule.productId !== null && (await findProduct(tx, rule.productId)) === undefined)
    throw fieldRefusal('productId', 'not_found', 'No such product.');
  if (rule.affiliateId !== null && (await findAffiliate(tx, rule.affiliateId)) === undefined)
    throw fieldRefusal('affiliateId', 'not_found', 'No such affiliate.');
  if (rule.groupId !== null && (await findGroup(tx, rule.groupId)) === undefined)
    throw fieldRefusal('groupId', 'not_found', 'No such group.');
  if (program !== null) checkCurrency(rule.terms, program.currency);
  const begin = except === null ? span.from : await beginOfRule(tx, except);
  const same = (await listRulesOfPlace(tx, rule, { ...span, from: begin })).filter((one) => one.id !== except);
  const own = ruleConflicts(rule, program);
  const draft: Rule = { ...rule, id: except ?? newRuleId, version: newestVersion };
  const conflicts: readonly RuleConflict[] = [
    ...own,
    ...(own.length === 0 ? await draftMeetings(tx, draft, span) : []),
    ...same.map((one) => ({
      code: 'same_scope',
      detail: `${one.name} is for the same, at the same time.`,
      ruleId: one.id,
    })),
  ];
  if (conflicts.length > 0) throw new DomainError('rule.rule_conflict', { conflicts });
}

/** Of a rule that is not kept yet. */
const newRuleId = 'rul_new' as RuleId;
/** Whatever versions there are, the draft is the next. */
const newestVersion = Number.MAX_SAFE_INTEGER;

function checkCurrency(terms: RuleTerms, currency: CurrencyCode): void {
  const given = [
    terms.minimumBase,
    terms.cap?.amount ?? null,
    ...terms.levels.map((level) => (level.kind === 'flat' ? level.amount : null)),
    ...(terms.bands?.rows ?? []).map(({ pays }) => (pays.kind === 'flat' ? pays.amount : null)),
  ];
  if (given.some((money) => money !== null && money.currency !== currency))
    throw new DomainError('sale.currency_mismatch', { expectedCurrency: currency });
}

function startOf(wanted: Instant | undefined, now: Instant): Instant {
  if (wanted !== undefined && wanted < now) throw fieldRefusal('effectiveFrom', 'out_of_range', 'Not in the past.');
  return wanted ?? now;
}

/** A change of what has yet to begin begins when that does, unless it says otherwise: another name is no reason to pay tomorrow's rate today. */
function startOfChange(wanted: Instant | null | undefined, rule: RuleRecord, now: Instant): Instant {
  if (wanted === undefined && rule.effectiveFrom > now) return rule.effectiveFrom;
  return startOf(wanted ?? undefined, now);
}

/** When a rule ends that begins, or goes on, at `from`. */
function endOf(wanted: Instant | null, from: Instant, scope: RulePlace['scope']): Instant | null {
  if (wanted !== null && scope === 'global')
    throw fieldRefusal('effectiveTo', 'not_allowed_here', 'The rule of the workspace has no end.');
  if (wanted !== null && wanted <= from) throw fieldRefusal('effectiveTo', 'out_of_range', 'After it begins.');
  return wanted;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/commission-rules',
  permission: 'rule.read',
  query: ruleQuery,
  reply: ruleList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) =>
      ctx.list(
        await listRules(tx, ctx.query, now, page),
        page,
        (rule) => presentRule(rule, now),
        (rule) => ({ value: rule.createdAt, id: rule.id }),
      ),
    );
  },
});

async function needRule(tx: ReadTx | Tx, id: string): Promise<RuleRecord> {
  const rule = await findRule(tx, id);
  if (rule === undefined) throw new DomainError('resource.not_found');
  return rule;
}

const get = defineRoute({
  method: 'GET',
  path: '/v1/commission-rules/:ruleId',
  permission: 'rule.read',
  params: ruleParams,
  reply: ruleWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx, now) => presentRule(await needRule(tx, ctx.params.ruleId), now)),
});

const versions = defineRoute({
  method: 'GET',
  path: '/v1/commission-rules/:ruleId/versions',
  permission: 'rule.read',
  params: ruleParams,
  reply: ruleVersions,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const found = await listRuleVersions(tx, ctx.params.ruleId);
      if (found.length === 0) throw new DomainError('resource.not_found');
      return { data: found.map((one) => presentRule(one, now)), nextCursor: null };
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/commission-rules',
  permission: 'rule.write',
  body: ruleCreate,
  reply: ruleWire,
  status: 201,
  refuses: ['rule.rule_conflict', 'sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await lockPlan(tx);
      const place = placeOf(ctx.body);
      const terms = termsOf(ctx.body, null);
      const name = ctx.body.name ?? 'Commission';
      const effectiveFrom = startOf(ctx.body.effectiveFrom, act.now);
      const endsAt = endOf(ctx.body.effectiveTo ?? null, effectiveFrom, place.scope);
      await checkRule(tx, { ...place, terms, name }, { except: null, from: effectiveFrom, to: endsAt });
      const rule = await insertRule(tx, act, { ...place, id: act.newId('rule'), name, terms, effectiveFrom, endsAt });
      return answer(presentRule(rule, act.now), { location: `/v1/commission-rules/${rule.id}` });
    }),
});

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/commission-rules/:ruleId',
  permission: 'rule.write',
  params: ruleParams,
  body: rulePatch,
  reply: ruleWire,
  ifMatch: 'required',
  refuses: ['resource.not_found', 'rule.rule_conflict', 'request.version_mismatch', 'sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await lockPlan(tx);
      const rule = await lockRule(tx, ctx.params.ruleId);
      if (rule === undefined || isEnded(rule, act.now)) throw new DomainError('resource.not_found');
      ctx.requireVersion(rule.version);
      const terms = termsOf(ctx.body, rule.terms);
      const name = ctx.body.name ?? rule.name;
      const effectiveFrom = startOfChange(ctx.body.effectiveFrom, rule, act.now);
      const { effectiveTo } = ctx.body;
      const endsAt = endOf(effectiveTo === undefined ? rule.endsAt : effectiveTo, effectiveFrom, rule.scope);
      await checkRule(tx, { ...rule, terms, name }, { except: rule.id, from: effectiveFrom, to: endsAt });
      const save = (): Promise<RuleRecord> => addRuleVersion(tx, act, rule, { name, terms, effectiveFrom, endsAt });
      // Behind a new end a wider rule takes its place, as behind an end at once.
      const changed = endsAt === rule.endsAt ? await save() : await withoutNewMeetings(tx, act.now, save);
      return presentRule(changed, act.now);
    }),
});

const end = defineRoute({
  method: 'DELETE',
  path: '/v1/commission-rules/:ruleId',
  permission: 'rule.write',
  params: ruleParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'request.version_mismatch', 'rule.rule_conflict'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await lockPlan(tx);
      const rule = await lockRule(tx, ctx.params.ruleId);
      if (rule === undefined || isEnded(rule, act.now)) throw new DomainError('resource.not_found');
      ctx.requireVersion(rule.version);
      await withoutNewMeetings(tx, act.now, () => endRule(tx, act, rule));
      return undefined;
    }),
});

/** What one sale or lead would earn: the same pure function as the accrual, so that it earns the same, to the cent. Stores nothing. */
const quote = defineRoute({
  method: 'POST',
  path: '/v1/commission-rules/quote',
  permission: 'rule.read',
  body: quoteBody,
  reply: quoteReply,
  refuses: ['sale.lines_do_not_sum', 'sale.currency_mismatch', 'access.permission_missing'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const { body } = ctx;
      const program = await findProgram(tx, body.programId);
      if (program === undefined) throw fieldRefusal('programId', 'not_found', 'No such program.');
      const occurredAt = body.occurredAt ?? now;
      const affiliateId =
        body.affiliateId ??
        (typeof body.coupon === 'string' ? await ownerOfCoupon(tx, body.coupon, program.id, occurredAt) : null);
      if (affiliateId === null) throw fieldRefusal('affiliateId', 'required', 'Who would earn it?');
      if ((await findAffiliate(tx, affiliateId)) === undefined)
        throw fieldRefusal('affiliateId', 'not_found', 'No such affiliate.');
      const sale = body.sale ?? null;
      const past = body.saleId == null ? null : await pastSale(tx, ctx, body.saleId);
      const currency = sale?.amount.currency ?? past?.currency ?? program.currency;
      if (currency !== program.currency)
        throw new DomainError('sale.currency_mismatch', { expectedCurrency: program.currency });
      const isLead = sale === null && past === null;
      // A draft is asked before it is published; what comes after the end of a program earns nothing, as it does when it is sold.
      if (isClosedTo(program, { occurredAt, paymentNumber: isLead ? null : (body.paymentNumber ?? 1) }))
        return { commissions: [], noCommissionCode: 'program_not_active' };
      const lines: readonly PricedLine[] =
        past?.lines ??
        (sale === null ? [noAmount] : await priceLines(tx, sale, { programId: program.id, at: occurredAt }));
      const plan = await readPlanInput(tx, {
        program,
        mode: ctx.mode,
        affiliateId,
        referralId: null,
        brought: null,
        customerId: '',
        event: eventOf(body, sale?.transactionType ?? past?.transactionType ?? null),
        occurredAt,
        lines,
        products: (await listCommissionableProducts(tx, program.id, occurredAt)).listed,
        paymentNumber: body.paymentNumber ?? 1,
        without: past?.id ?? null,
      });
      const earnings = evaluatePlan({
        ...plan,
        earnedBefore: { payments: (body.paymentNumber ?? 1) - 1, months: null },
      });
      return {
        commissions: earnings.lines.map((line) => ({
          level: line.level,
          affiliateId: line.affiliateId,
          amount: line.amount,
          explanation: {
            ...explainLine(
              line,
              lines.map((one) => one.productId),
              lines.map((one) => one.unstated ?? []),
            ),
          },
        })),
        noCommissionCode: earnings.code,
      };
    }),
});

/** A sale that was made, for whoever may read it. */
async function pastSale(
  tx: ReadTx,
  ctx: Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'scope' | 'mode'>,
  saleId: string,
): Promise<Sale> {
  if (!ctx.can('sale.read')) throw new DomainError('access.permission_missing', { missingPermission: 'sale.read' });
  const found = await findSaleView(tx, ctx.scope, ctx.mode, saleId);
  if (found === undefined) throw fieldRefusal('saleId', 'not_found', 'No such sale.');
  return found.sale;
}

/** Whom a code credits in a program at an instant; a field error for one that credits nobody, as a sale's would (BEY-18). */
async function ownerOfCoupon(tx: ReadTx, code: string, programId: string, at: Instant): Promise<AffiliateId> {
  const found = await findCouponByCode(tx, code);
  const problem = couponProblem(found, at);
  if (found === undefined || problem === 'coupon_unknown') throw fieldRefusal('coupon', 'not_found', 'No such coupon.');
  if (problem !== null) throw fieldRefusal('coupon', 'not_allowed_here', 'This coupon credits nobody at that time.');
  if (found.coupon.programId !== programId)
    throw fieldRefusal('coupon', 'not_allowed_here', 'This coupon is of another program.');
  return found.coupon.affiliateId;
}

function eventOf(
  body: { readonly event: string; readonly paymentNumber?: number | null | undefined },
  transactionType: string | null,
): PlanEvent {
  if (body.event === 'lead' || body.event === 'registration')
    return { kind: 'lead', event: body.event === 'lead' ? 'enquiry' : 'registration', paidBefore: new Set() };
  return {
    kind: 'sale',
    type: body.event === 'transaction' ? 'transaction' : 'payment',
    transactionType,
    isFirstPayment: body.event === 'first_payment' || (body.paymentNumber ?? 1) === 1,
  };
}

export const commissionRuleRoutes: readonly Route[] = [list, quote, get, versions, create, patch, end];
