import { z } from 'zod';
import type { CaseView, FlagView, RiskyAffiliate } from '../../../db/reads/tracking/riskList.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { isBlockingRisk, riskCodes } from '../../../domain/tracking/riskFlag.js';
import { anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import {
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  metadataWire,
  noteText,
  objectFields,
  signedMoneyWire,
  versionFields,
} from '../wire.js';

export const riskCaseParams = z.strictObject({ caseId: idWire('riskCase') });
export const riskFlagParams = z.strictObject({ flagId: idWire('riskFlag') });

const statuses = ['open', 'released', 'rejected'] as const;

export const riskCaseCreate = z
  .strictObject({
    affiliateId: idWire('affiliate'),
    referralIds: z.array(idWire('referral')).max(200).exactOptional(),
    commissionIds: z.array(idWire('commission')).max(500).exactOptional(),
    kind: z.enum(riskCodes),
    evidence: metadataWire.exactOptional(),
    notes: noteText.nullable().exactOptional(),
  })
  .check((context) => {
    const { referralIds = [], commissionIds = [] } = context.value;
    if (referralIds.length + commissionIds.length === 0)
      context.issues.push({
        ...fieldIssue('required', 'Name referrals or commissions.', ['referralIds']),
        input: context.value,
      });
  });
export const riskCasePatch = z.strictObject({
  evidence: metadataWire.exactOptional(),
  notes: noteText.nullable().exactOptional(),
});
export const riskCaseQuery = listQuery({
  status: anyOf(statuses),
  kind: anyOf(riskCodes),
  affiliateId: anyText(),
  ...instantRange('createdAt'),
});

export const riskCaseWire = z
  .strictObject({
    ...objectFields('riskCase', 'risk_case'),
    status: z.enum(statuses),
    kind: z.string(),
    affiliate: z.strictObject({ id: z.string(), name: z.string() }),
    referralIds: z.array(z.string()),
    commissionIds: z.array(z.string()),
    evidence: z.record(z.string(), z.unknown()),
    notes: z.string().nullable(),
    held: z.array(signedMoneyWire),
    openedBy: z.string().nullable(),
    closedBy: z.string().nullable(),
    closedAt: instantWire.nullable(),
    allowedActions: z.array(z.string()),
    test: z.boolean(),
    ...versionFields,
  })
  .openapi('RiskCase');
export type RiskCaseReply = z.output<typeof riskCaseWire>;
export const riskCaseList = listOf(riskCaseWire);

export function presentRiskCase(view: CaseView, reader: { readonly mayWrite: boolean }): RiskCaseReply {
  return {
    id: view.id,
    object: 'risk_case',
    status: view.status,
    kind: view.kind,
    affiliate: { id: view.affiliateId, name: view.affiliateName },
    referralIds: [...view.referralIds],
    commissionIds: [...view.commissionIds],
    evidence: view.evidence,
    notes: view.notes,
    held: view.held.map(({ currency, minor }) => ({ currency: currency as CurrencyCode, minor })),
    openedBy: view.openedBy,
    closedBy: view.closedBy,
    closedAt: view.closedAt,
    allowedActions: reader.mayWrite && view.status === 'open' ? ['release', 'reject'] : [],
    test: view.mode === 'test',
    version: view.version,
    createdAt: view.createdAt,
    updatedAt: view.updatedAt,
  };
}

export const riskFlagQuery = listQuery({
  code: anyOf(riskCodes),
  affiliateId: anyText(),
  referralId: anyText(),
  open: flag(),
});

export const riskFlagWire = z
  .strictObject({
    ...objectFields('riskFlag', 'risk_flag'),
    code: z.enum(riskCodes),
    /** With it a referral never approves itself; without, it is only shown. */
    blocking: z.boolean(),
    affiliate: z.strictObject({ id: z.string(), name: z.string().nullable() }).nullable(),
    referralId: z.string().nullable(),
    caseId: z.string().nullable(),
    evidence: z.record(z.string(), z.unknown()),
    at: instantWire,
    dismissedAt: instantWire.nullable(),
    dismissedBy: z.string().nullable(),
    note: z.string().nullable(),
    allowedActions: z.array(z.string()),
  })
  .openapi('RiskFlag');
export const riskFlagList = listOf(riskFlagWire);

export function presentRiskFlag(view: FlagView, reader: { readonly mayWrite: boolean }): z.output<typeof riskFlagWire> {
  return {
    id: view.id,
    object: 'risk_flag',
    code: view.code,
    blocking: isBlockingRisk(view.code),
    affiliate: view.affiliateId === null ? null : { id: view.affiliateId, name: view.affiliateName },
    referralId: view.referralId,
    caseId: view.caseId,
    evidence: view.evidence,
    at: view.createdAt,
    dismissedAt: view.dismissedAt,
    dismissedBy: view.dismissedBy,
    note: view.note,
    allowedActions: reader.mayWrite && view.dismissedAt === null ? ['dismiss'] : [],
  };
}

export const riskAffiliateQuery = listQuery({ code: anyOf(riskCodes), affiliateId: anyText() }, { sort: ['lastAt'] });

export const riskAffiliateWire = z
  .strictObject({
    id: idWire('affiliate'),
    object: z.literal('risk_affiliate'),
    affiliate: z.strictObject({ id: z.string(), name: z.string(), status: z.string() }),
    findings: z
      .array(z.strictObject({ code: z.enum(riskCodes), blocking: z.boolean(), open: z.int() }))
      .meta({ description: 'What is open against the affiliate and its referrals, per rule.' }),
    openCases: z.int(),
    held: z.array(signedMoneyWire).meta({ description: 'What its open cases hold, per currency.' }),
    lastAt: instantWire,
    allowedActions: z.array(z.string()).meta({ description: 'On the affiliate: `/v1/affiliates/{id}/…`.' }),
  })
  .openapi('RiskAffiliate');
export const riskAffiliateList = listOf(riskAffiliateWire);

export function presentRiskAffiliate(
  view: RiskyAffiliate,
  allowedActions: readonly string[],
): z.output<typeof riskAffiliateWire> {
  return {
    id: view.affiliateId,
    object: 'risk_affiliate',
    affiliate: { id: view.affiliateId, name: view.name, status: view.status },
    findings: view.findings.map(({ code, open }) => ({ code, blocking: isBlockingRisk(code), open })),
    openCases: view.openCases,
    held: view.held.map(({ currency, minor }) => ({ currency: currency as CurrencyCode, minor })),
    lastAt: view.lastAt,
    allowedActions: [...allowedActions],
  };
}
