import { insertUser } from '../../db/access/user.js';
import { lockSettings, updateSettings } from '../../db/access/settings.js';
import { ensureLogin } from '../../db/access/workspace.js';
import { insertSchedule } from '../../db/payout/payoutSchedule.js';
import { insertAgreement } from '../../db/program/agreement.js';
import { insertRule, listRulesAt } from '../../db/program/commissionPlan.js';
import { insertGroup } from '../../db/affiliate/group.js';
import { attachProduct, insertProduct } from '../../db/program/product.js';
import { insertProductGroup } from '../../db/program/productGroup.js';
import { insertProgram, lockProgram, moveProgram } from '../../db/program/program.js';
import type { Tx } from '../../db/transaction.js';
import { effectiveTerms, type EffectiveTerms, mergeSettings, type Settings } from '../../domain/access/settings.js';
import type { Act, Actor } from '../../domain/act.js';
import { InvariantError } from '../../domain/errors.js';
import type { NewId, PayoutScheduleId, ProductId, ProgramId, UserId, WorkspaceId } from '../../domain/ids.js';
import { type CurrencyCode, type MoneyWire, parseCurrency, ppm } from '../../domain/money.js';
import { everybody } from '../../domain/payout/payoutRun.js';
import type { Rule, RuleLevel } from '../../domain/program/commissionPlan.js';
import { addMs, type Duration, type Instant } from '../../domain/time.js';
import { type DemoStaff, type ProductPlan, type ProgramPlan, programs, type RulePlan, staff } from './cast.js';
import type { Chance } from './chance.js';

export interface DemoProduct extends ProductPlan {
  readonly id: ProductId;
}

export interface DemoProgram {
  readonly plan: ProgramPlan;
  readonly id: ProgramId;
  readonly landingUrl: string;
  readonly currency: CurrencyCode;
  readonly products: readonly DemoProduct[];
  readonly terms: EffectiveTerms;
  readonly rules: readonly Rule[];
}

export interface Ground {
  readonly staff: Readonly<Record<DemoStaff['key'], Actor>>;
  readonly programs: readonly DemoProgram[];
  readonly scheduleId: PayoutScheduleId;
  readonly settings: Settings;
}

/** What a year of business stands on: people, settings, programs with products, rules and terms, the calendar of payouts. */
export async function setUp(
  tx: Tx,
  of: {
    readonly workspaceId: WorkspaceId;
    readonly chance: Chance;
    readonly startsAt: Instant;
    /** Where the demo shop is found: each program's landing page. */
    readonly shopOrigin: string;
  },
): Promise<Ground> {
  let at = of.startsAt;
  const later = (): Instant => (at = addMs(at, 60_000));
  const newId: NewId = (kind) => of.chance.newId(kind, at);
  const actAs = (actor: Actor): Act => ({
    workspaceId: of.workspaceId,
    mode: 'live',
    now: later(),
    actor,
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: null,
    newId,
  });
  const system: Actor = { type: 'system', id: null, userId: null };

  const people = new Map<DemoStaff['key'], Actor>();
  for (const person of staff) {
    const id: UserId = newId('user');
    await insertUser(tx, actAs(system), {
      id,
      loginId: await ensureLogin(tx, newId, person.email),
      audience: 'staff',
      name: person.name,
      email: person.email,
      roleIds: person.roleIds,
      status: 'active',
    });
    people.set(person.key, { type: 'user', id, userId: id });
  }
  const personOf = (key: DemoStaff['key']): Actor => {
    const person = people.get(key);
    if (person === undefined) throw new InvariantError('the demo staff is complete', { key });
    return person;
  };
  const manager = personOf('manager');

  const before = await lockSettings(tx);
  const settings = mergeSettings(before.settings, {
    general: { timeZone: 'UTC' },
    payouts: {
      minimumPayout: minimumsOf(programs.map((plan) => plan.currency)),
    },
  });
  await updateSettings(tx, actAs(manager), before, settings);
  const made: DemoProgram[] = [];
  for (const plan of programs) made.push(await makeProgram(tx, plan, settings, of.shopOrigin, actAs, manager));
  // Named, and without a member: the year's affiliates keep the workspace's terms.
  for (const [name, minimumPayout] of [
    ['Standard', []],
    ['VIP', [{ amount: '10.00', currency: 'USD' }]],
  ] as const) {
    const groupAct = actAs(manager);
    await insertGroup(tx, groupAct, {
      id: groupAct.newId('group'),
      name,
      isDefault: name === 'Standard',
      minimumPayout: [...minimumPayout],
      payoutFrequency: null,
      payoutMethodTypes: [],
      area: null,
      trafficKind: null,
      resultsClass: null,
    });
  }
  const scheduleId = await insertSchedule(tx, actAs(personOf('preparer')), {
    name: 'Monthly',
    calendar: { every: 'month', dayOfMonth: 3, hour: 6, minute: 0 },
    timeZone: 'UTC',
    currencies: [],
    filter: everybody,
    payAfter: 'P1D' as Duration,
  });
  return {
    staff: Object.fromEntries(people) as Ground['staff'],
    programs: made,
    scheduleId,
    settings,
  };
}

/** Low enough that most are paid each month, high enough that some are not. */
function minimumsOf(currencies: readonly string[]): readonly MoneyWire[] {
  return currencies.map((currency) => ({ amount: '20.00', currency }));
}

async function makeProgram(
  tx: Tx,
  plan: ProgramPlan,
  settings: Settings,
  shopOrigin: string,
  actAs: (actor: Actor) => Act,
  manager: Actor,
): Promise<DemoProgram> {
  const currency = parseCurrency(plan.currency);
  if (currency === undefined) throw new InvariantError('the currencies of the demo data exist', { slug: plan.slug });
  const act = actAs(manager);
  const id = act.newId('program');
  const landingUrl = `${shopOrigin}/demo-shop?shop=${plan.slug}`;
  await insertProgram(tx, act, {
    id,
    name: plan.name,
    slug: plan.slug,
    currency,
    timeZone: null,
    levels: plan.levels,
    enrolment: 'open',
    acquisitionModel: null,
    requirements: [],
    requiredChecks: [],
    ownTerms: plan.ownTerms,
    landingUrl,
    fallbackUrl: landingUrl,
    destinationHosts: [new URL(shopOrigin).host],
    metadata: {},
  });
  const products: DemoProduct[] = [];
  const groupAct = actAs(manager);
  const group = await insertProductGroup(tx, groupAct, { id: groupAct.newId('productGroup'), name: plan.name });
  for (const product of plan.products) {
    const productId = act.newId('product');
    await insertProduct(tx, actAs(manager), {
      id: productId,
      name: product.name,
      sku: product.sku,
      price: { minor: product.price, currency },
      period: product.period,
      productGroupId: group.id,
      url: `${landingUrl}#${product.sku}`,
      active: true,
    });
    await attachProduct(tx, actAs(manager), id, productId);
    products.push({ ...product, id: productId });
  }
  for (const rule of plan.rules) {
    const ruleAct = actAs(manager);
    await insertRule(tx, ruleAct, {
      id: ruleAct.newId('rule'),
      name: rule.name,
      scope: 'program',
      programId: id,
      productId: null,
      groupId: null,
      affiliateId: null,
      event: rule.event,
      transactionType: null,
      terms: termsOf(rule, currency),
      effectiveFrom: ruleAct.now,
    });
  }
  const agreementAct = actAs(manager);
  await insertAgreement(tx, agreementAct, {
    id: agreementAct.newId('agreement'),
    programId: id,
    kind: 'terms',
    title: `${plan.name}: terms for affiliates`,
    text: plan.terms,
    mustAccept: false,
    effectiveFrom: agreementAct.now,
    graceUntil: null,
  });
  const published = actAs(manager);
  const program = await lockProgram(tx, id); // its products have raised the version
  if (program === undefined) throw new InvariantError('a program that was made is there', { programId: id });
  await moveProgram(tx, published, program, 'published');
  return {
    plan,
    id,
    landingUrl,
    currency,
    products,
    terms: effectiveTerms(settings, { ownTerms: plan.ownTerms }),
    rules: await listRulesAt(tx, id, published.now),
  };
}

function termsOf(rule: RulePlan, currency: CurrencyCode): Rule['terms'] {
  return {
    base: 'net',
    minimumBase: null,
    flatOnPartialRefund: 'proportional',
    levels: rule.levels.map(
      (level, index): RuleLevel =>
        'flat' in level
          ? { level: index + 1, kind: 'flat', amount: { minor: level.flat, currency }, perUnit: false }
          : { level: index + 1, kind: 'percent', rate: ppm(level.ratePpm), of: 'base' },
    ),
    bands: null,
    limits: { maxPayments: rule.maxPayments, maxMonths: null },
    cap: null,
    appliesTo: 'all',
  };
}
