import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, ProductId, ProgramId, RuleId } from '../../domain/ids.js';
import { formatMoney, type Money, type MoneyWire, parseMoney, ppm } from '../../domain/money.js';
import type { BandMeasure, BandMode, BandPeriod, Bands } from '../../domain/program/bands.js';
import {
  type AppliesTo,
  type BaseType,
  type Cap,
  chooseVersion,
  type FlatRefundMode,
  type Rule,
  type RuleEvent,
  type RuleLevel,
  type RulePlace,
  type RuleScope,
  type RuleTerms,
  type RuleVersion,
} from '../../domain/program/commissionPlan.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { once, run } from '../pipeline.js';
import type { ReadTx, Tx } from '../transaction.js';

type LevelJson =
  | { readonly level: number; readonly kind: 'percent'; readonly ratePpm: number; readonly of: 'base' | 'lower_level' }
  | { readonly level: number; readonly kind: 'flat'; readonly amount: MoneyWire; readonly perUnit: boolean };

type BandPayJson =
  | { readonly kind: 'percent'; readonly ratePpm: number }
  | { readonly kind: 'flat'; readonly amount: MoneyWire };
interface BandsJson {
  readonly level: number;
  readonly by: BandMeasure;
  readonly period: BandPeriod;
  readonly mode: BandMode;
  readonly rows: readonly ({ readonly from: string } & BandPayJson)[];
}
interface CapJson {
  readonly amount: MoneyWire;
  readonly scope: Cap['scope'];
  readonly period: Cap['period'];
}

/** The body of a version as it is kept: the wire's own form, so that a version reads the same in ten years. */
interface BodyJson {
  readonly transactionType: string | null;
  readonly base: BaseType;
  readonly minimumBase: MoneyWire | null;
  readonly flatOnPartialRefund: FlatRefundMode;
  readonly levels: readonly LevelJson[];
  readonly limits: { readonly maxPayments: number | null; readonly maxMonths: number | null };
  /** The three that follow are absent in versions older than them. */
  readonly bands?: BandsJson | null;
  readonly cap?: CapJson | null;
  readonly appliesTo?: AppliesTo;
}

interface RuleRow {
  readonly id: string;
  readonly name: string;
  readonly scope: RuleScope;
  readonly program_id: string | null;
  readonly product_id: string | null;
  readonly group_id: string | null;
  readonly affiliate_id: string | null;
  readonly event: RuleEvent;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly ended_at: Instant | null;
  readonly body: BodyJson;
  readonly body_version: number;
  readonly effective_from: Instant;
  readonly effective_to: Instant | null;
}

/** A rule with one of its versions, as the API shows it. */
export interface RuleRecord extends Rule {
  readonly effectiveFrom: Instant;
  /** When this version is replaced, or the rule ends. */
  readonly effectiveTo: Instant | null;
  /** When the rule ends or ended, in whatever version; later than now: planned. */
  readonly endsAt: Instant | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

function moneyOf(wire: MoneyWire): Money {
  const parsed = parseMoney(wire);
  assertInvariant(parsed.ok, 'a stored amount is readable', { amount: wire.amount, currency: wire.currency });
  return parsed.money;
}

function toTerms(body: BodyJson): RuleTerms {
  return {
    base: body.base,
    minimumBase: body.minimumBase === null ? null : moneyOf(body.minimumBase),
    flatOnPartialRefund: body.flatOnPartialRefund,
    levels: body.levels.map(
      (level): RuleLevel =>
        level.kind === 'flat'
          ? { ...level, amount: moneyOf(level.amount) }
          : { level: level.level, kind: 'percent', rate: ppm(level.ratePpm), of: level.of },
    ),
    limits: body.limits,
    bands: toBands(body.bands ?? null),
    cap: body.cap == null ? null : { ...body.cap, amount: moneyOf(body.cap.amount) },
    appliesTo: body.appliesTo ?? 'all',
  };
}

function toBands(bands: BandsJson | null): Bands | null {
  if (bands === null) return null;
  const rows = bands.rows.map(({ from, ...pays }) => ({
    from,
    pays:
      pays.kind === 'percent'
        ? { kind: pays.kind, rate: ppm(pays.ratePpm) }
        : { kind: pays.kind, amount: moneyOf(pays.amount) },
  }));
  return { ...bands, rows };
}

function bandsBody(bands: Bands | null): BandsJson | null {
  if (bands === null) return null;
  const rows = bands.rows.map(({ from, pays }) => ({
    from,
    ...(pays.kind === 'percent'
      ? { kind: pays.kind, ratePpm: pays.rate }
      : { kind: pays.kind, amount: formatMoney(pays.amount) }),
  }));
  return { ...bands, rows };
}

function toBody(transactionType: string | null, terms: RuleTerms): BodyJson {
  return {
    transactionType,
    base: terms.base,
    minimumBase: terms.minimumBase === null ? null : formatMoney(terms.minimumBase),
    flatOnPartialRefund: terms.flatOnPartialRefund,
    levels: terms.levels.map((level) =>
      level.kind === 'flat'
        ? { level: level.level, kind: 'flat', amount: formatMoney(level.amount), perUnit: level.perUnit }
        : { level: level.level, kind: 'percent', ratePpm: level.rate, of: level.of },
    ),
    limits: terms.limits,
    bands: bandsBody(terms.bands),
    cap: terms.cap === null ? null : { ...terms.cap, amount: formatMoney(terms.cap.amount) },
    appliesTo: terms.appliesTo,
  };
}

export function isEnded(rule: RuleRecord, now: Instant): boolean {
  return rule.endsAt !== null && rule.endsAt <= now;
}

export function toRule(row: RuleRow): RuleRecord {
  return {
    id: row.id as RuleId,
    name: row.name,
    scope: row.scope,
    programId: row.program_id as ProgramId | null,
    productId: row.product_id as ProductId | null,
    groupId: row.group_id,
    affiliateId: row.affiliate_id as AffiliateId | null,
    event: row.event,
    transactionType: row.body.transactionType,
    version: row.body_version,
    terms: toTerms(row.body),
    effectiveFrom: row.effective_from,
    effectiveTo: earlier(row.ended_at, row.effective_to),
    endsAt: row.ended_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function earlier(one: Instant | null, other: Instant | null): Instant | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

const columns = `rule.id, rule.name, rule.scope, rule.program_id, rule.product_id, rule.group_id, rule.affiliate_id, rule.event,
  rule.version, rule.created_at, rule.updated_at, rule.ended_at, version.body, version.version as body_version,
  version.effective_from, version.effective_to`;
const joined = `from commission_rules as rule
  join commission_rule_versions as version on version.workspace_id = rule.workspace_id and version.rule_id = rule.id`;

/**
 * Every rule that could pay in a program at an instant: its own, and those of no program (group, affiliate, global), each in the version that
 * counts for a customer brought at `brought` (PRG-17); null: for a new one.
 */
export function listRulesAt(
  tx: ReadTx | Tx,
  programId: string,
  at: Instant,
  brought: Instant | null = null,
): Promise<readonly RuleRecord[]> {
  return once(
    tx,
    ['commission_rules', 'commission_rule_versions'],
    `rules of ${programId} at ${at} ${brought}`,
    async () => {
      const rows = await run<RuleRow>(
        tx,
        `select ${columns} ${joined}
       where (rule.program_id = $1 or rule.program_id is null)
         and version.effective_from <= $2 and (rule.ended_at is null or rule.ended_at > $2)
       order by rule.id, version.version`,
        [programId, at],
      );
      const ofRule = new Map<string, RuleRow[]>();
      for (const row of rows) ofRule.set(row.id, [...(ofRule.get(row.id) ?? []), row]);
      return [...ofRule.values()].flatMap((versions) => {
        const all = versions.map((row) => ({ ...toRule(row), from: row.effective_from, to: row.effective_to }));
        const chosen = chooseVersion(all, at, brought);
        return chosen === undefined ? [] : [chosen];
      });
    },
  );
}

/** Every version of every rule, ended ones too, with the time in which each was in force. */
export async function listAllRuleVersions(tx: ReadTx | Tx): Promise<readonly (RuleRecord & RuleVersion)[]> {
  const { rows } = await tx.raw<{ rows: RuleRow[] }>(`select ${columns} ${joined} order by rule.id, version.version`);
  return rows.map((row) => {
    const rule = toRule(row);
    return { ...rule, from: rule.effectiveFrom, to: rule.effectiveTo };
  });
}

type DraftJson = Omit<Rule, 'terms'> & { readonly body: BodyJson };

/** A rule that is not stored, as a job keeps it. */
export function draftJson(rule: Rule): unknown {
  const { terms, ...rest } = rule;
  return { ...rest, body: toBody(rule.transactionType, terms) } satisfies DraftJson;
}

/** The rule that `draftJson` wrote. */
export function draftOf(json: unknown): Rule {
  const { body, ...rest } = json as DraftJson;
  return { ...rest, terms: toTerms(body) };
}

/** Active rules of scope global for payments. */
export async function listGlobalRules(tx: ReadTx | Tx, now: Instant): Promise<readonly RuleRecord[]> {
  return listActivePaymentRules(tx, now, `rule.scope = 'global'`);
}

/** Active rules for payments that are narrower than the global one: what one rate for everybody keeps or clears (RUL-12). */
export async function listOverrides(tx: ReadTx | Tx, now: Instant): Promise<readonly RuleRecord[]> {
  return listActivePaymentRules(tx, now, `rule.scope <> 'global'`);
}

async function listActivePaymentRules(tx: ReadTx | Tx, now: Instant, where: string): Promise<readonly RuleRecord[]> {
  const { rows } = await tx.raw<{ rows: RuleRow[] }>(
    `select ${columns} ${joined}
     where version.version = rule.version and (rule.ended_at is null or rule.ended_at > :now)
       and rule.event in ('payment', 'first_payment') and ${where}
     order by rule.id`,
    { now },
  );
  return rows.map(toRule);
}

export async function findRule(tx: ReadTx | Tx, id: string): Promise<RuleRecord | undefined> {
  const { rows } = await tx.raw<{ rows: RuleRow[] }>(
    `select ${columns} ${joined} where rule.id = :id and version.version = rule.version`,
    { id },
  );
  return rows[0] === undefined ? undefined : toRule(rows[0]);
}

export async function lockRule(tx: Tx, id: string): Promise<RuleRecord | undefined> {
  await tx('commission_rules').where({ id }).forNoKeyUpdate().select('id');
  return findRule(tx, id);
}

export async function listRuleVersions(tx: ReadTx | Tx, id: string): Promise<readonly RuleRecord[]> {
  const { rows } = await tx.raw<{ rows: RuleRow[] }>(
    `select ${columns} ${joined} where rule.id = :id order by version.version desc`,
    { id },
  );
  return rows.map(toRule);
}

/** From when until when a rule counts, whatever its versions say; null: without an end. */
export interface RuleSpan {
  readonly from: Instant;
  readonly to: Instant | null;
}

/** Rules that stand at the same place for the same event at any time of a span: one after the other they may (screens.md 3.5). */
export async function listRulesOfPlace(
  tx: ReadTx | Tx,
  place: RulePlace,
  { from, to }: RuleSpan,
): Promise<readonly RuleRecord[]> {
  const { rows } = await tx.raw<{ rows: RuleRow[] }>(
    `select ${columns} ${joined}
     where version.version = rule.version and (rule.ended_at is null or rule.ended_at > :from)
       and (:to::timestamptz is null or exists (
         select from commission_rule_versions as begun
         where begun.workspace_id = rule.workspace_id and begun.rule_id = rule.id and begun.effective_from < :to))
       and rule.scope = :scope and rule.event = :event
       and rule.program_id is not distinct from :programId and rule.product_id is not distinct from :productId
       and rule.group_id is not distinct from :groupId and rule.affiliate_id is not distinct from :affiliateId
       and version.body ->> 'transactionType' is not distinct from :transactionType`,
    {
      scope: place.scope,
      event: place.event,
      programId: place.programId,
      productId: place.productId,
      groupId: place.groupId,
      affiliateId: place.affiliateId,
      transactionType: place.transactionType,
      from,
      to,
    },
  );
  return rows.map(toRule);
}

/** When the first version of a rule began, or begins. */
export async function beginOfRule(tx: ReadTx | Tx, id: RuleId): Promise<Instant> {
  const { rows } = await tx.raw<{ rows: { begin: Instant }[] }>(
    'select min(effective_from) as begin from commission_rule_versions where rule_id = :id',
    { id },
  );
  const begin = rows[0]?.begin;
  assertInvariant(begin != null, 'a rule has a version', { ruleId: id });
  return begin;
}

/** Serialises edits of the plan, so that two rules of one place cannot be made at once. */
export async function lockPlan(tx: Tx): Promise<void> {
  await tx.raw(
    `select pg_advisory_xact_lock(hashtextextended('commission_rules/' || current_setting('tributary.workspace_id'), 0))`,
  );
}

export async function insertRule(
  tx: Tx,
  act: Act,
  rule: RulePlace & {
    readonly id: RuleId;
    readonly name: string;
    readonly terms: RuleTerms;
    readonly effectiveFrom: Instant;
    readonly endsAt?: Instant | null;
  },
): Promise<RuleRecord> {
  const body = toBody(rule.transactionType, rule.terms);
  const endsAt = rule.endsAt ?? null;
  await tx('commission_rules').insert({
    id: rule.id,
    name: rule.name,
    scope: rule.scope,
    program_id: rule.programId,
    product_id: rule.productId,
    group_id: rule.groupId,
    affiliate_id: rule.affiliateId,
    event: rule.event,
    ended_at: endsAt,
    created_at: act.now,
    updated_at: act.now,
  });
  await tx('commission_rule_versions').insert({
    rule_id: rule.id,
    version: 1,
    body: JSON.stringify(body),
    effective_from: rule.effectiveFrom,
    created_by: act.actor.userId,
    created_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'commission_rule',
    objectId: rule.id,
    seq: 1,
    event: 'created',
    to: 'active',
    changes: { after: { scope: rule.scope, event: rule.event, ...body, endsAt } },
  });
  const stored = await findRule(tx, rule.id);
  assertInvariant(stored !== undefined, 'an insert answers its row', { ruleId: rule.id });
  return stored;
}

/** A new version from an instant on; what was to begin later is replaced. Amounts already calculated never change (RUL-14). */
export async function addRuleVersion(
  tx: Tx,
  act: Act,
  rule: RuleRecord,
  change: {
    readonly name: string;
    readonly terms: RuleTerms;
    readonly effectiveFrom: Instant;
    /** Absent: as before. */
    readonly endsAt?: Instant | null;
  },
): Promise<RuleRecord> {
  const endsAt = change.endsAt === undefined ? rule.endsAt : change.endsAt;
  const version = rule.version + 1;
  const body = toBody(rule.transactionType, change.terms);
  await tx.raw(
    `update commission_rule_versions set effective_to = greatest(effective_from, :from)
     where rule_id = :ruleId and (effective_to is null or effective_to > :from)`,
    { ruleId: rule.id, from: change.effectiveFrom },
  );
  await tx('commission_rule_versions').insert({
    rule_id: rule.id,
    version,
    body: JSON.stringify(body),
    effective_from: change.effectiveFrom,
    created_by: act.actor.userId,
    created_at: act.now,
  });
  await tx('commission_rules')
    .where({ id: rule.id })
    .update({ name: change.name, version, ended_at: endsAt, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'commission_rule',
    objectId: rule.id,
    seq: version,
    event: 'edited',
    from: 'active',
    to: 'active',
    changes: {
      before: { ...toBody(rule.transactionType, rule.terms), endsAt: rule.endsAt },
      after: { ...body, endsAt },
      effectiveFrom: change.effectiveFrom,
    },
  });
  const stored = await findRule(tx, rule.id);
  assertInvariant(stored !== undefined, 'a locked rule is there', { ruleId: rule.id });
  return stored;
}

/** Ends it now; its versions and every commission it made stay. Ended ones keep their last version's number plus one in the history. */
export async function endRule(tx: Tx, act: Act, rule: RuleRecord): Promise<void> {
  await tx('commission_rules').where({ id: rule.id }).update({ ended_at: act.now, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'commission_rule',
    objectId: rule.id,
    seq: rule.version + 1,
    event: 'ended',
    from: 'active',
    to: 'ended',
  });
}

/** For which products a sale of some time earns in a program. */
export interface ListedProducts {
  readonly listed: ReadonlySet<string>;
  /** Which one a line means that names none: the only one then, else the only one now. */
  readonly only: ProductId | null;
}

/**
 * The products that a sale of that time earns for: those in the program now, so that what is judged once more after one was added earns, and those
 * that were taken out only later (PRG-14).
 */
export function listCommissionableProducts(tx: ReadTx | Tx, programId: string, at: Instant): Promise<ListedProducts> {
  return once(tx, ['program_products', 'program_product_removals'], `products of ${programId} at ${at}`, async () => {
    const rows = await run<{ product_id: string; is_present: boolean }>(
      tx,
      `select product_id, true as is_present from program_products where program_id = $1 and active
       union all
       select product_id, false from program_product_removals where program_id = $1 and removed_at > $2`,
      [programId, at],
    );
    const listed = new Set(rows.map((row) => row.product_id));
    const present = rows.filter((row) => row.is_present);
    const [only] = listed.size === 1 ? [...listed] : present.length === 1 ? present.map((row) => row.product_id) : [];
    return { listed, only: (only as ProductId | undefined) ?? null };
  });
}

/** Products named by id or sku in a sale; unknown names are missing from the answer. */
export async function findProductsByName(
  tx: ReadTx | Tx,
  names: readonly string[],
): Promise<ReadonlyMap<string, ProductId>> {
  if (names.length === 0) return new Map();
  const rows = await tx('products')
    .whereNull('deleted_at')
    .whereRaw('(id = any (:names::text[]) or sku = any (:names::text[]))', { names: [...names] })
    .select<{ id: string; sku: string | null }[]>('id', 'sku');
  const found = new Map<string, ProductId>();
  for (const row of rows) {
    found.set(row.id, row.id as ProductId);
    if (row.sku !== null) found.set(row.sku, row.id as ProductId);
  }
  return found;
}
