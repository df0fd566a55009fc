import type { Brand } from './brand.js';
import { assertInvariant } from './errors.js';

/** The only prefix table (api.md 1.1). An id is a prefix, `_`, and a UUIDv7 as 26 characters of lower-case Crockford base 32. */
export const idPrefixes = {
  workspace: 'ws',
  login: 'lgn',
  user: 'usr',
  role: 'rol',
  session: 'ses',
  apiKey: 'key',
  oneTimeToken: 'ott',
  settings: 'set',
  program: 'prg',
  product: 'prd',
  productGroup: 'pgr',
  rule: 'rul',
  agreement: 'agr',
  affiliate: 'aff',
  enrolment: 'enr',
  application: 'app',
  applicationForm: 'afm',
  group: 'grp',
  contact: 'con',
  link: 'lnk',
  trackingDomain: 'tdm',
  promoTool: 'tool',
  coupon: 'cpn',
  media: 'med',
  document: 'doc',
  breach: 'brc',
  click: 'clk',
  visit: 'vis',
  visitor: 'vst',
  touch: 'tch',
  attribution: 'atr',
  lead: 'led',
  leadSource: 'src',
  paymentSource: 'psr',
  leadForm: 'frm',
  customField: 'fld',
  apiLogEntry: 'log',
  customer: 'cus',
  referral: 'ref',
  check: 'chk',
  sale: 'sal',
  refund: 'rfd',
  dispute: 'dsp',
  commission: 'com',
  riskCase: 'case',
  riskFlag: 'flag',
  appeal: 'apl',
  decision: 'dec',
  transfer: 'trf',
  posting: 'pst',
  ledgerAccount: 'acc',
  ledgerPeriod: 'per',
  payoutMethod: 'pmd',
  payoutRun: 'run',
  payoutSchedule: 'sch',
  payout: 'pay',
  payoutAttempt: 'att',
  gatewayEvent: 'gev',
  gatewayStatement: 'gst',
  payoutFile: 'fil',
  reconciliation: 'rec',
  reconciliationItem: 'rci',
  funding: 'fnd',
  reseller: 'res',
  movement: 'mov',
  event: 'evt',
  webhook: 'whk',
  delivery: 'dlv',
  postback: 'pbk',
  template: 'tpl',
  milestone: 'mst',
  segment: 'seg',
  message: 'msg',
  messageChoice: 'mch',
  notificationChoice: 'nch',
  email: 'eml',
  notice: 'ntc',
  auditEntry: 'aud',
  history: 'his',
  replay: 'rpl',
  import: 'imp',
  export: 'exp',
  operation: 'op',
  privacyRequest: 'prq',
  trackingTest: 'tst',
  savedView: 'view',
  request: 'req',
} as const;

export type IdKind = keyof typeof idPrefixes;
export type Id<K extends IdKind> = Brand<string, K>;

export type WorkspaceId = Id<'workspace'>;
export type LoginId = Id<'login'>;
export type UserId = Id<'user'>;
export type SessionId = Id<'session'>;
export type ApiKeyId = Id<'apiKey'>;
export type ProgramId = Id<'program'>;
export type ProductId = Id<'product'>;
export type ProductGroupId = Id<'productGroup'>;
export type RuleId = Id<'rule'>;
export type AgreementId = Id<'agreement'>;
export type AffiliateId = Id<'affiliate'>;
export type EnrolmentId = Id<'enrolment'>;
export type ContactId = Id<'contact'>;
export type LinkId = Id<'link'>;
export type PromoToolId = Id<'promoTool'>;
export type MediaId = Id<'media'>;
export type CouponId = Id<'coupon'>;
export type TrackingTestId = Id<'trackingTest'>;
export type ClickId = Id<'click'>;
export type VisitId = Id<'visit'>;
export type TouchId = Id<'touch'>;
export type LeadId = Id<'lead'>;
export type LeadSourceId = Id<'leadSource'>;
export type PaymentSourceId = Id<'paymentSource'>;
export type LeadFormId = Id<'leadForm'>;
export type CustomFieldId = Id<'customField'>;
export type CustomerAccountId = Id<'customer'>;
export type RiskCaseId = Id<'riskCase'>;
export type RiskFlagId = Id<'riskFlag'>;
export type ReferralId = Id<'referral'>;
export type CheckId = Id<'check'>;
export type SaleId = Id<'sale'>;
export type RefundId = Id<'refund'>;
export type CommissionId = Id<'commission'>;
export type DecisionId = Id<'decision'>;
export type TransferId = Id<'transfer'>;
export type PayoutMethodId = Id<'payoutMethod'>;
export type PayoutScheduleId = Id<'payoutSchedule'>;
export type PayoutRunId = Id<'payoutRun'>;
export type PayoutId = Id<'payout'>;
export type PayoutAttemptId = Id<'payoutAttempt'>;
export type GatewayEventId = Id<'gatewayEvent'>;
export type AuditEntryId = Id<'auditEntry'>;
export type HistoryId = Id<'history'>;
export type OperationId = Id<'operation'>;

/** Makes a new id: time-ordered and unguessable. The real one is `platform/newId.ts`. */
export type NewId = <K extends IdKind>(kind: K) => Id<K>;

const suffix = '[0-7][0-9a-hjkmnp-tv-z]{25}';
const suffixPattern = new RegExp(`^${suffix}$`);
const kindOfPrefix: ReadonlyMap<string, IdKind> = new Map(
  Object.entries(idPrefixes).map(([kind, prefix]) => [prefix, kind as IdKind]),
);

/** The pattern an id of this kind matches, for schemas. */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${idPrefixes[kind]}_${suffix}$`);
}

/** The id, or undefined when it is malformed or of another kind. */
export function parseId<K extends IdKind>(kind: K, text: string): Id<K> | undefined {
  const prefix = `${idPrefixes[kind]}_`;
  return text.startsWith(prefix) && suffixPattern.test(text.slice(prefix.length)) ? (text as Id<K>) : undefined;
}

/** What an id says it is; undefined for anything that is no id. */
export function idKindOf(text: string): IdKind | undefined {
  const cut = text.indexOf('_');
  if (cut < 1 || !suffixPattern.test(text.slice(cut + 1))) return undefined;
  return kindOfPrefix.get(text.slice(0, cut));
}

/** The id of another kind that shares the 26 characters: a decision seen as an operation of one item (api.md 1.8). */
export function sameIdAs<K extends IdKind>(kind: K, id: string): Id<K> {
  return `${idPrefixes[kind]}_${id.slice(id.indexOf('_') + 1)}` as Id<K>;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The id of the n-th thing of another one: its 26 characters with the number (1 to 1023) woven into the last two. Whoever knows the one can
 * name the others, also when their rows are lost.
 */
export function partId<K extends IdKind>(kind: K, id: string, number: number): Id<K> {
  assertInvariant(Number.isInteger(number) && number >= 1 && number < 1_024, 'a part has a number', { id, number });
  const digit = (place: number): number => alphabet.indexOf(id.at(place) ?? '');
  const last = ((digit(-2) << 5) | digit(-1)) ^ number;
  return `${idPrefixes[kind]}_${id.slice(id.indexOf('_') + 1, -2)}${alphabet[last >> 5]}${alphabet[last & 31]}` as Id<K>;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id made of a UUID that somebody else drew (a workflow's `uuid4`): the same UUID is the same id. Undefined: it is no UUID. */
export function idOfUuid<K extends IdKind>(kind: K, uuid: string): Id<K> | undefined {
  if (!uuidPattern.test(uuid)) return undefined;
  const bits = BigInt(`0x${uuid.replaceAll('-', '')}`);
  const digits = Array.from({ length: 26 }, (_, place) => alphabet[Number((bits >> BigInt(5 * (25 - place))) & 31n)]);
  return `${idPrefixes[kind]}_${digits.join('')}` as Id<K>;
}
